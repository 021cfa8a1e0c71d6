#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "compressors/compressor.h"
#include "compressors/settings.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

std::string refusal_of(std::string_view name, const LayerShape& shape, const Options& options) {
  try {
    static_cast<void>(make_compressor(name, shape, options));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CompressorTable, ListsEveryMethodByName) {
  std::vector<std::string_view> names;
  for (const CompressorEntry& entry : compressor_table()) names.push_back(entry.name);
  EXPECT_THAT(names, testing::ElementsAre("adacomp", "bf16", "dryden", "fp16", "ls", "none", "randomk",
                                          "scalecom", "strom", "topk"));
}

TEST(MakeCompressor, SaysWhatThereIsWhenANameIsUnknown) {
  EXPECT_EQ(
      refusal_of("topk2", {}, {}),
      "[compressors] compressor = topk2: no such compressor; this build has adacomp, bf16, dryden, fp16, "
      "ls, none, randomk, scalecom, strom, topk");
}

TEST(MakeCompressor, RefusesRatesOutOfRange) {
  for (const double rate : {0.0, 0.99, 65537.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    for (const std::string_view name : {"dryden", "randomk", "scalecom", "topk"}) {
      EXPECT_THAT(refusal_of(name, {}, {.rate = rate}),
                  testing::AllOf(testing::HasSubstr(cat("[", name, "] rate = ")),
                                 testing::HasSubstr("must be in [1, 65536]")))
          << rate;
    }
  }
  for (const double rate : {1.0, 65536.0}) {
    for (const std::string_view name : {"dryden", "randomk", "scalecom", "topk"}) {
      EXPECT_EQ(refusal_of(name, {}, {.rate = rate}), "accepted");
    }
  }
}

TEST(CompressorTable, TellsTheRateOfMethodsThatHaveOne) {
  EXPECT_THAT(compressors_that([](const Compressor& method) { return method.rate().has_value(); }),
              testing::ElementsAre("dryden", "randomk", "scalecom", "topk"));
  for (const std::string_view name : {"dryden", "randomk", "topk"}) {
    EXPECT_EQ(make_compressor(name, {}, {.rate = 7.5})->rate(), 7.5) << name;
  }
  // Chunks have whole elements, and the exact selection keeps to as many.
  for (const Selection selection : {Selection::kChunk, Selection::kExact}) {
    EXPECT_EQ(make_compressor("scalecom", {}, {.rate = 7.5, .selection = selection})->rate(), 8.0);
  }
}

TEST(MakeCompressor, RefusesABetaOutOfRange) {
  for (const float beta : {0.0f, -0.1f, 1.01f, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_THAT(refusal_of("scalecom", {}, {.beta = beta}), testing::HasSubstr("[scalecom] beta = ")) << beta;
  }
}

TEST(MakeCompressor, RefusesBinsOfNoneOrTooManyElements) {
  const LayerShape convolution{.elements = 1, .kind = LayerKind::kConvolution};
  for (const std::size_t bin : {0u, 16385u}) {
    for (const std::string_view name : {"adacomp", "ls"}) {
      EXPECT_THAT(refusal_of(name, convolution, {.bin_conv = bin}),
                  testing::HasSubstr(cat("[", name, "] bin-conv = ")));
      EXPECT_THAT(refusal_of(name, {}, {.bin_fc = bin}), testing::HasSubstr(cat("[", name, "] bin-fc = ")));
    }
  }
  EXPECT_EQ(refusal_of("adacomp", convolution, {.bin_conv = 16384, .bin_fc = 0}), "accepted");
  EXPECT_EQ(refusal_of("ls", convolution, {.bin_conv = 16384, .bin_fc = 0}), "accepted");
}

TEST(MakeCompressor, RefusesAThresholdOutOfRange) {
  using Limits = std::numeric_limits<float>;
  for (const float threshold : {0.0f, -0.1f, Limits::infinity(), Limits::quiet_NaN()}) {
    EXPECT_THAT(refusal_of("strom", {}, {.threshold = threshold}),
                testing::HasSubstr("[strom] threshold = "));
  }
  for (const float threshold : {Limits::denorm_min(), Limits::max()}) {
    EXPECT_EQ(refusal_of("strom", {}, {.threshold = threshold}), "accepted");
  }
}

TEST(MakeCompressor, RefusesALayerWhoseIndicesDoNotFit) {
  for (const std::string_view name : {"dryden", "randomk", "scalecom", "strom", "topk"}) {
    EXPECT_THAT(refusal_of(name, {.elements = std::size_t{1} << 32}, {}),
                testing::AllOf(testing::HasSubstr("split the parameter"), testing::HasSubstr("4294967295")));
  }
}

// n = 2^31 + 1, rate 2: k = 2^30 + 1 indices of 32 bits (ceil(log2 n) = 32) and as many values = 8 k bytes.
// AdaComp, bins of 2^11: 2 bytes an element, 4 of scale, and 2^20 + 1 bins' bits = 2^17 + 1 bytes. ls: a code
// of bit_width(2^12) = 13 bits for each of them, 13 * 2^17 + 2 bytes. strom: 33 bits an element, 33 * 2^28 +
// 5 bytes, and the count. dryden: as many for k + 2 elements, which are 2^30 + 3: 33 * 2^27 + 13, two means,
// count.
TEST(MaxPayloadBytes, IsRightAboveTwoToTheThirtyOneElements) {
  constexpr std::size_t kElements = (std::size_t{1} << 31) + 1;
  const LayerShape shape{.elements = kElements};
  EXPECT_EQ(make_compressor("topk", shape, {.rate = 2})->max_payload_bytes(),
            8 * ((std::size_t{1} << 30) + 1));
  EXPECT_EQ(make_compressor("adacomp", shape, {.bin_fc = 2048})->max_payload_bytes(),
            2 * kElements + 4 + (std::size_t{1} << 17) + 1);
  EXPECT_EQ(make_compressor("none", shape, {})->max_payload_bytes(), 4 * kElements);
  EXPECT_EQ(make_compressor("ls", shape, {.bin_fc = 2048})->max_payload_bytes(),
            4 + 13 * (std::size_t{1} << 17) + 2);
  EXPECT_EQ(make_compressor("strom", shape, {})->max_payload_bytes(), 4 + 33 * (std::size_t{1} << 28) + 5);
  EXPECT_EQ(make_compressor("dryden", shape, {.rate = 2})->max_payload_bytes(),
            8 + 4 + 33 * (std::size_t{1} << 27) + 13);
  EXPECT_EQ(make_compressor("randomk", shape, {.rate = 2})->max_payload_bytes(),
            4 * ((std::size_t{1} << 30) + 1));
}

TEST(KeptElements, RoundsUpAndIsExactForLargeLayers) {
  EXPECT_EQ(kept_elements(0, 100), 0u);
  EXPECT_EQ(kept_elements(1, 100), 1u);
  EXPECT_EQ(kept_elements(100, 100), 1u);
  EXPECT_EQ(kept_elements(101, 100), 2u);
  EXPECT_EQ(kept_elements((1u << 24) + 1, 1), (1u << 24) + 1);  // not a float32
}

TEST(IndexBits, IsTheWidthOfTheLargestIndex) {
  EXPECT_EQ(index_bits(0), 0u);
  EXPECT_EQ(index_bits(1), 0u);
  EXPECT_EQ(index_bits(2), 1u);
  EXPECT_EQ(index_bits(8), 3u);
  EXPECT_EQ(index_bits(9), 4u);
  EXPECT_EQ(index_bits(0xffffffff), 32u);
}

}  // namespace
}  // namespace sterna::compressors
