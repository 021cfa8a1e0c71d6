// Kernels give the bytes and bits of the compressor of their name, over lengths, layer kinds, settings and
// kinds of values, whatever the order of threads and blocks. It goes over the table of compressors: one
// without kernels fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "tests/compressors/gpu/on_engine.h"

namespace sterna::compressors::gpu {
namespace {

#ifdef __SANITIZE_THREAD__  // a switch of threads takes a hundred times as long
constexpr std::size_t kLengths[] = {0, 33, 300};
constexpr std::uint64_t kSteps = 1;
#else
constexpr std::size_t kLengths[] = {0, 1, 7, 31, 32, 33, 255, 1000};
constexpr std::uint64_t kSteps = 2;
#endif
constexpr std::size_t kLongLength = 4097;

struct Setting {
  std::string label;
  Options options;
};

std::vector<Setting> settings() {
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
constexpr Content kContents[] = {Content::kNormal,   Content::kZeros,        Content::kTies,
                                 Content::kDenormal, Content::kHuge,         Content::kSparse,
                                 Content::kSpread,   Content::kNegativeZeros};

float value_of(Content content, std::size_t i, std::uint64_t seed) {
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

Values gradient_of(Content content, std::size_t n, std::uint64_t seed) {
  Values gradient(n);
  for (std::size_t i = 0; i < n; ++i) gradient[i] = value_of(content, i, seed);
  return gradient;
}

Bytes shared_indices(const Compressor& compressor, const StepKey& key) {
  if (compressor.exchange() != Exchange::kSummed) return {};
  Bytes indices(compressor.max_index_bytes());
  indices.resize(compressor.write_shared_indices(key, indices));
  return indices;
}

class KernelEquality : public testing::TestWithParam<CompressorEntry> {
 protected:
  struct Pair {
    std::unique_ptr<Compressor> compressor;
    std::unique_ptr<Kernels> kernels;
  };

  Pair make(const LayerShape& shape, const Options& options) const {
    return {GetParam().make(shape, options), make_kernels(GetParam().name, shape, options)};
  }

  // Some steps of both, with their own residues, and everything that they give.
  static void compare_steps(const Pair& pair, Content content, std::size_t n) {
    OnEngine engine(*pair.compressor, *pair.kernels, /*seed=*/n + static_cast<std::size_t>(content));
    Values residue(pair.compressor->has_residue() ? n : 0);
    Values of_kernels = residue;
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      const StepKey key{.step = step};
      const Values gradient = gradient_of(content, n, step + 1);
      const Sent sent = compressors::send(*pair.compressor, gradient, residue, key);
      const Sent other = engine.send(gradient, of_kernels, shared_indices(*pair.compressor, key));
      ASSERT_EQ(other.payload, sent.payload);
      ASSERT_EQ(other.indices, sent.indices);
      ASSERT_EQ(other.elements, sent.elements);
      ASSERT_EQ(bits_of(of_kernels), bits_of(residue));
      compare_decoded(pair, engine, sent, n);
      if (pair.compressor->exchange() == Exchange::kLeaderIndexed) {
        compare_followers(pair, engine, sent, gradient, residue);
      }
    }
  }

  static void compare_decoded(const Pair& pair, OnEngine& engine, const Sent& sent, std::size_t n) {
    Values out(n, 0.25f);
    Values of_kernels = out;
    if (pair.compressor->exchange() == Exchange::kGathered) {
      pair.compressor->accumulate(sent.payload, out);
      engine.accumulate(sent.payload, of_kernels);
    } else {
      const Values values = normal_values(pair.compressor->payload_values(sent.indices), /*seed=*/n);
      pair.compressor->scatter(sent.indices, values, out);
      engine.scatter(sent.indices, values, of_kernels);
    }
    ASSERT_EQ(bits_of(of_kernels), bits_of(out));
  }

  static void compare_followers(const Pair& pair, OnEngine& engine, const Sent& lead, const Values& leaders,
                                const Values& leaders_residue) {
    Values gradient = leaders;
    for (float& value : gradient) value = -0.75f * value;
    Values residue = leaders_residue;
    Values of_kernels = residue;
    const Sent sent = compressors::follow(*pair.compressor, gradient, residue, lead.indices);
    const Sent other = engine.follow(gradient, of_kernels, lead.indices);
    ASSERT_EQ(other.payload, sent.payload);
    ASSERT_EQ(other.elements, sent.elements);
    ASSERT_EQ(bits_of(of_kernels), bits_of(residue));
  }
};

TEST_P(KernelEquality, HasKernels) {
  ASSERT_NE(make({.elements = 9}, {}).kernels, nullptr)
      << GetParam().name << " has no kernels: compressors/gpu/registry.h lists those that have";
}

TEST_P(KernelEquality, GivesTheSameBytesAndBits) {
  std::size_t turn = 0;
  for (const Setting& setting : settings()) {
    for (const std::size_t n : kLengths) {
      // Both kinds of layers, in turn: they differ in the length of bins alone.
      const LayerKind kind = n % 2 == 0 ? LayerKind::kConvolution : LayerKind::kFullyConnected;
      const Pair pair = make({.elements = n, .kind = kind}, setting.options);
      // Every other content, and the rest with the next setting: a thread's turn takes its time.
      for (std::size_t i = turn++ % 2; i < std::size(kContents); i += 2) {
        const Content content = kContents[i];
        SCOPED_TRACE(testing::Message()
                     << setting.label << ", n = " << n << ", content " << static_cast<int>(content));
        compare_steps(pair, content, n);
        if (HasFatalFailure()) return;
      }
    }
    ++turn;  // the number of lengths is even
  }
}

#ifndef __SANITIZE_THREAD__
TEST_P(KernelEquality, GivesTheSameBytesAndBitsOverSeveralTiles) {
  for (const Content content : {Content::kNormal, Content::kTies, Content::kSpread}) {
    const LayerKind kind = content == Content::kTies ? LayerKind::kConvolution : LayerKind::kFullyConnected;
    SCOPED_TRACE(testing::Message() << "content " << static_cast<int>(content));
    for (const std::size_t setting : {0u, 3u}) {
      compare_steps(make({.elements = kLongLength, .kind = kind}, settings()[setting].options), content,
                    kLongLength);
      if (HasFatalFailure()) return;
    }
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Registered, KernelEquality, testing::ValuesIn(compressor_table()),
                         [](const auto& test) { return std::string(test.param.name); });
}  // namespace
}  // namespace sterna::compressors::gpu
