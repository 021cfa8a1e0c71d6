// Kernels give the bytes and bits of the compressor of their name, over layer kinds, settings and kinds of
// values: the comparison that every machine goes through.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "tests/compressors/gpu/on_machine.h"

namespace sterna::compressors::gpu {

inline constexpr std::uint64_t kSteps = 2;

struct Setting {
  std::string label;
  Options options;
};

inline std::vector<Setting> settings() {
  return {
      {"defaults", {}},
      {"rate 1, bins of 1", {.rate = 1, .bin_conv = 1, .bin_fc = 1}},
      {"rate 7, bins of 64 and 65, beta 0.3, threshold 1",
       {.rate = 7, .bin_conv = 64, .bin_fc = 65, .beta = 0.3f, .threshold = 1}},
      {"rate 8, exact, bins of 33",
       {.rate = 8, .bin_conv = 33, .bin_fc = 33, .selection = Selection::kExact}},
      {"rate 31, exact, beta 0.1",
       {.rate = 31, .bin_conv = 16, .bin_fc = 16384, .selection = Selection::kExact, .beta = 0.1f}},
  };
}

// kTies: a few magnitudes, many times each. kHuge: a sum that is infinite in float32. kSpread: magnitudes
// from the least denormal to the largest number, so that the sum of maxima is rounded at every size.
enum class Content { kNormal, kZeros, kTies, kDenormal, kHuge, kSparse, kSpread, kNegativeZeros };
inline constexpr Content kContents[] = {Content::kNormal,   Content::kZeros,        Content::kTies,
                                        Content::kDenormal, Content::kHuge,         Content::kSparse,
                                        Content::kSpread,   Content::kNegativeZeros};

inline float value_of(Content content, std::size_t i, std::uint64_t seed) {
  const std::uint32_t bits = random_bits({.seed = seed}, i);
  switch (content) {
    case Content::kNormal:
      return random_normal({.seed = seed}, i);
    case Content::kZeros:
      return 0.0f;
    case Content::kTies:
      return static_cast<float>(static_cast<int>(bits % 7) - 3);
    case Content::kDenormal:
      return std::bit_cast<float>(bits & 0x803fffffu);
    case Content::kHuge:
      return (bits % 2 == 0 ? 1.0f : -1.0f) * 2.5e38f;
    case Content::kSparse:
      return i % 97 == 0 ? random_normal({.seed = seed}, i) : 0.0f;
    case Content::kSpread:
      return std::bit_cast<float>(bits % 0x7f000000u | (bits & 0x80000000u));
    case Content::kNegativeZeros:
      return bits % 16 == 0 ? -1.0f : -0.0f;
  }
  return 0.0f;
}

inline Values gradient_of(Content content, std::size_t n, std::uint64_t seed) {
  Values gradient(n);
  for (std::size_t i = 0; i < n; ++i) gradient[i] = value_of(content, i, seed);
  return gradient;
}

inline Bytes shared_indices(const Compressor& compressor, const StepKey& key) {
  if (compressor.exchange() != Exchange::kSummed) return {};
  Bytes indices(compressor.max_index_bytes());
  indices.resize(compressor.write_shared_indices(key, indices));
  return indices;
}

// A compressor, and its kernels on a machine.
template <typename Machine>
class Pair {
 public:
  Pair(const CompressorEntry& entry, const LayerShape& shape, const Options& options)
      : elements_(shape.elements),
        compressor_(entry.make(shape, options)),
        kernels_(make_gpu_compressor<typename Machine::Launcher>(entry.name, shape, options)) {}

  bool has_kernels() const { return kernels_ != nullptr; }

  // Some steps of both, with their own residues, and everything that they give.
  void compare_steps(Content content) const {
    const std::size_t n = elements_;
    OnMachine<Machine> machine(*compressor_, *kernels_, /*seed=*/n + static_cast<std::size_t>(content));
    Values residue(compressor_->has_residue() ? n : 0);
    Values of_kernels = residue;
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      const StepKey key{.step = step};
      const Values gradient = gradient_of(content, n, step + 1);
      const Sent sent = compressors::send(*compressor_, gradient, residue, key);
      const Sent other = machine.send(gradient, of_kernels, shared_indices(*compressor_, key));
      ASSERT_EQ(other.payload, sent.payload);
      ASSERT_EQ(other.indices, sent.indices);
      ASSERT_EQ(other.elements, sent.elements);
      ASSERT_EQ(bits_of(of_kernels), bits_of(residue));
      compare_decoded(machine, sent);
      if (compressor_->exchange() == Exchange::kLeaderIndexed) {
        compare_followers(machine, sent, gradient, residue);
      }
    }
  }

 private:
  void compare_decoded(OnMachine<Machine>& machine, const Sent& sent) const {
    const std::size_t n = elements_;
    Values out(n, 0.25f);
    Values of_kernels = out;
    if (compressor_->exchange() == Exchange::kGathered) {
      compressor_->accumulate(sent.payload, out);
      machine.accumulate(sent.payload, of_kernels);
    } else {
      const Values values = normal_values(compressor_->payload_values(sent.indices), /*seed=*/n);
      compressor_->scatter(sent.indices, values, out);
      machine.scatter(sent.indices, values, of_kernels);
    }
    ASSERT_EQ(bits_of(of_kernels), bits_of(out));
  }

  void compare_followers(OnMachine<Machine>& machine, const Sent& lead, const Values& leaders,
                         const Values& leaders_residue) const {
    Values gradient = leaders;
    for (float& value : gradient) value = -0.75f * value;
    Values residue = leaders_residue;
    Values of_kernels = residue;
    const Sent sent = compressors::follow(*compressor_, gradient, residue, lead.indices);
    const Sent other = machine.follow(gradient, of_kernels, lead.indices);
    ASSERT_EQ(other.payload, sent.payload);
    ASSERT_EQ(other.elements, sent.elements);
    ASSERT_EQ(bits_of(of_kernels), bits_of(residue));
  }

  std::size_t elements_;
  std::unique_ptr<Compressor> compressor_;
  std::unique_ptr<GpuCompressor<typename Machine::Launcher>> kernels_;
};

// Every setting at each of these lengths, with half of the contents each time.
template <typename Machine>
void compare_lengths(const CompressorEntry& entry, std::span<const std::size_t> lengths) {
  std::size_t turn = 0;
  for (const Setting& setting : settings()) {
    for (const std::size_t n : lengths) {
      // Both kinds of layers, in turn: they differ in the length of bins alone.
      const LayerKind kind = n % 2 == 0 ? LayerKind::kConvolution : LayerKind::kFullyConnected;
      const Pair<Machine> pair(entry, {.elements = n, .kind = kind}, setting.options);
      for (std::size_t i = turn++ % 2; i < std::size(kContents); i += 2) {
        SCOPED_TRACE(testing::Message() << setting.label << ", n = " << n << ", content " << i);
        pair.compare_steps(kContents[i]);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
    if (lengths.size() % 2 == 0) ++turn;
  }
}

}  // namespace sterna::compressors::gpu
