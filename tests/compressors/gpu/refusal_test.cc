// Kernels refuse what the compressor refuses, and take what it takes with the same result, whatever has
// become of the bytes: cut, lengthened, flipped, or random. The address sanitizer sees what they read.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/compressors/gpu/on_machine.h"

namespace sterna::compressors::gpu {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr std::size_t kFlips = 6, kRandom = 4, kCuts = 4;
#else
constexpr std::size_t kFlips = 48, kRandom = 16, kCuts = 24;
#endif

struct Case {
  Options options;
  LayerKind kind;
  std::size_t elements;
};
constexpr Case kCases[] = {
    {{.rate = 3, .bin_conv = 5, .bin_fc = 70, .threshold = 0.7f}, LayerKind::kConvolution, 43},
    {{.rate = 5, .bin_conv = 50, .bin_fc = 100, .selection = Selection::kExact},
     LayerKind::kFullyConnected,
     300},
    {{.rate = 2}, LayerKind::kFullyConnected, 1},
};

class KernelRefusal : public testing::TestWithParam<CompressorEntry> {
 protected:
  // What both make of a payload, or of an index section. Nothing: refused.
  using Decoded = std::optional<Values>;

  void use(const Case& of) {
    elements_ = of.elements;
    const LayerShape shape{.elements = of.elements, .kind = of.kind};
    compressor_ = GetParam().make(shape, of.options);
    kernels_ = make_gpu_compressor<device::HostLauncher>(GetParam().name, shape, of.options);
    engine_.emplace(*compressor_, *kernels_, /*seed=*/1);
    // Every fifth element is 0, so that bins and chunks may be empty.
    Values gradient = normal_values(elements_, /*seed=*/elements_);
    for (std::size_t i = 0; i < elements_; ++i) {
      if (i / 10 % 3 == 1) gradient[i] = 0.0f;
    }
    Values residue(compressor_->has_residue() ? elements_ : 0);
    sent_ = compressors::send(*compressor_, gradient, residue);
  }

  bool is_gathered() const { return compressor_->exchange() == Exchange::kGathered; }
  const Bytes& whole() const { return is_gathered() ? sent_.payload : sent_.indices; }

  template <typename Decode>
  Decoded decoded(const Decode& decode) const {
    Values out(elements_, 0.5f);
    try {
      decode(out);
    } catch (const WireError&) {
      return std::nullopt;
    }
    return out;
  }

  void compare(const Bytes& bytes) {
    // Exactly as long as its content.
    const Bytes exact(bytes.begin(), bytes.end());
    const Values values = normal_values(elements_, /*seed=*/9);
    Decoded expected;
    Decoded found;
    if (is_gathered()) {
      expected = decoded([&](Values& out) { compressor_->accumulate(exact, out); });
      found = decoded([&](Values& out) { engine_->accumulate(exact, out); });
    } else {
      expected = decoded([&](Values& out) {
        compressor_->scatter(exact, std::span(values).first(compressor_->payload_values(exact)), out);
      });
      found = decoded([&](Values& out) { engine_->scatter(exact, values, out); });
    }
    ASSERT_EQ(found.has_value(), expected.has_value()) << exact.size() << " bytes";
    if (expected) {
      ASSERT_EQ(bits_of(*found), bits_of(*expected));
    }
    if (!expected && !is_gathered() && compressor_->has_residue()) expect_untouched_residue(exact);
  }

  void expect_untouched_residue(const Bytes& indices) {
    Values residue = normal_values(elements_, /*seed=*/3);
    const Values before = residue;
    EXPECT_THROW(engine_->follow(Values(elements_, 1.0f), residue, indices), WireError);
    EXPECT_EQ(residue, before);
  }

  std::size_t elements_ = 0;
  std::unique_ptr<Compressor> compressor_;
  std::unique_ptr<GpuCompressor<device::HostLauncher>> kernels_;
  std::optional<OnMachine<HostMachine>> engine_;
  Sent sent_;
};

TEST_P(KernelRefusal, TakesWhatWasSent) {
  for (const Case& of : kCases) {
    use(of);
    compare(whole());
  }
}

TEST_P(KernelRefusal, RefusesTheSameOfWhatWasCutOrLengthened) {
  for (const Case& of : kCases) {
    use(of);
    const std::size_t step = whole().size() / kCuts + 1;
    for (std::size_t length = 0; length < whole().size(); length += step) {
      compare({whole().begin(), whole().begin() + static_cast<std::ptrdiff_t>(length)});
    }
    Bytes longer = whole();
    for (int extra = 0; extra < 5; ++extra) {
      longer.push_back(std::byte{0});
      compare(longer);
    }
  }
}

TEST_P(KernelRefusal, RefusesTheSameOfWhatHasABitFlipped) {
  for (const Case& of : kCases) {
    use(of);
    // All bits of the first and of the last bytes, and some in between.
    const std::size_t bits = 8 * whole().size();
    for (std::size_t i = 0; i < std::min(kFlips, bits); ++i) {
      const std::size_t bit = i % 3 == 0   ? i / 3
                              : i % 3 == 1 ? bits - 1 - i / 3
                                           : random_below({.seed = 5}, i, static_cast<std::uint32_t>(bits));
      Bytes flipped = whole();
      flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      compare(flipped);
    }
  }
}

TEST_P(KernelRefusal, RefusesTheSameOfRandomBytes) {
  std::uint64_t round = 0;
  for (const Case& of : kCases) {
    use(of);
    for (std::size_t i = 0; i < kRandom; ++i) {
      const RandomKey key{.seed = ++round};
      // Of the right length, half of the time: others are refused at once.
      Bytes random(i % 2 == 0 ? whole().size()
                              : random_below(key, 0, static_cast<std::uint32_t>(whole().size()) + 9));
      for (std::size_t at = 0; at < random.size(); ++at)
        random[at] = static_cast<std::byte>(random_bits(key, at + 1));
      compare(random);
    }
  }
}

TEST_P(KernelRefusal, FailsTheStepsOfAnotherPattern) {
  use(kCases[0]);
  device::HostLauncher launch;
  Outcome outcome;
  if (compressor_->exchange() != Exchange::kLeaderIndexed) {
    EXPECT_THROW(kernels_->encode_as_leader(launch, {.outcome = &outcome}), InternalError);
  }
  if (is_gathered()) {
    EXPECT_THROW(kernels_->scatter(launch, {.outcome = &outcome}), InternalError);
  } else {
    EXPECT_THROW(kernels_->accumulate(launch, {.outcome = &outcome}), InternalError);
  }
}

TEST_P(KernelRefusal, ChecksTheLengthsOfItsArguments) {
  use(kCases[0]);
  const std::size_t n = kCases[0].elements;
  device::HostLauncher launch;
  Outcome outcome;
  Values gradient(n), residue(compressor_->has_residue() ? n : 0), out(n - 1);
  Bytes payload(compressor_->max_payload_bytes()), workspace(kernels_->workspace_bytes());
  const EncodeBuffers right{.gradient = gradient,
                            .residue = residue,
                            .payload = payload,
                            .workspace = workspace,
                            .outcome = &outcome};
  EncodeBuffers wrong = right;
  wrong.gradient = wrong.gradient.first(n - 1);
  EXPECT_THROW(kernels_->encode(launch, wrong), InternalError);
  wrong = right;
  wrong.payload = wrong.payload.first(payload.size() - 1);
  EXPECT_THROW(kernels_->encode(launch, wrong), InternalError);
  wrong = right;
  wrong.outcome = nullptr;
  EXPECT_THROW(kernels_->encode(launch, wrong), InternalError);
  if (!workspace.empty()) {
    wrong = right;
    wrong.workspace = wrong.workspace.first(workspace.size() - 1);
    EXPECT_THROW(kernels_->encode(launch, wrong), InternalError);
  }
  const DecodeBuffers short_out{.out = out, .workspace = workspace, .outcome = &outcome};
  EXPECT_THROW(is_gathered() ? kernels_->accumulate(launch, short_out) : kernels_->scatter(launch, short_out),
               InternalError);
}

TEST_P(KernelRefusal, ChecksSettingsAsTheCompressorDoes) {
  EXPECT_THROW(make_gpu_compressor<device::HostLauncher>("nothing", {}, {}), ConfigError);
  EXPECT_THROW(make_gpu_compressor<device::HostLauncher>(GetParam().name,
                                                         {.elements = (std::size_t{1} << 31) + 1}, {}),
               ConfigError);
}

INSTANTIATE_TEST_SUITE_P(Registered, KernelRefusal, testing::ValuesIn(compressor_table()),
                         [](const auto& test) { return std::string(test.param.name); });
}  // namespace
}  // namespace sterna::compressors::gpu
