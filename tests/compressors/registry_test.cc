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
  EXPECT_THAT(names, testing::ElementsAre("adacomp", "bf16", "fp16", "none", "scalecom", "topk"));
}

TEST(MakeCompressor, SaysWhatThereIsWhenANameIsUnknown) {
  EXPECT_EQ(refusal_of("topk2", {}, {}),
            "[compressors] compressor = topk2: no such compressor; this build has adacomp, bf16, fp16, none, "
            "scalecom, "
            "topk");
}

TEST(MakeCompressor, RefusesRatesOutOfRange) {
  for (const double rate : {0.0, 0.99, 65537.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(refusal_of("topk", {}, {.rate = rate}), testing::HasSubstr("[topk] rate = ")) << rate;
    EXPECT_THAT(refusal_of("scalecom", {}, {.rate = rate}), testing::HasSubstr("must be in [1, 65536]"))
        << rate;
  }
  for (const double rate : {1.0, 65536.0}) {
    EXPECT_EQ(refusal_of("topk", {}, {.rate = rate}), "accepted");
    EXPECT_EQ(refusal_of("scalecom", {}, {.rate = rate}), "accepted");
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
    EXPECT_THAT(refusal_of("adacomp", convolution, {.bin_conv = bin}),
                testing::HasSubstr("[adacomp] bin-conv = "));
    EXPECT_THAT(refusal_of("adacomp", {}, {.bin_fc = bin}), testing::HasSubstr("[adacomp] bin-fc = "));
  }
  EXPECT_EQ(refusal_of("adacomp", convolution, {.bin_conv = 16384, .bin_fc = 0}), "accepted");
}

TEST(MakeCompressor, RefusesALayerWhoseIndicesDoNotFit) {
  EXPECT_THAT(refusal_of("topk", {.elements = std::size_t{1} << 32}, {}),
              testing::HasSubstr("split the parameter"));
  EXPECT_THAT(refusal_of("scalecom", {.elements = std::size_t{1} << 32}, {}),
              testing::HasSubstr("4294967295"));
}

// n = 2^31 + 1, rate 2: k = 2^30 + 1 indices of 32 bits (ceil(log2 n) = 32) and as many values = 8 k bytes.
// AdaComp, bins of 2^11: 2 bytes an element, 4 of scale, and 2^20 + 1 bins' bits = 2^17 + 1 bytes.
TEST(MaxPayloadBytes, IsRightAboveTwoToTheThirtyOneElements) {
  constexpr std::size_t kElements = (std::size_t{1} << 31) + 1;
  const LayerShape shape{.elements = kElements};
  EXPECT_EQ(make_compressor("topk", shape, {.rate = 2})->max_payload_bytes(),
            8 * ((std::size_t{1} << 30) + 1));
  EXPECT_EQ(make_compressor("adacomp", shape, {.bin_fc = 2048})->max_payload_bytes(),
            2 * kElements + 4 + (std::size_t{1} << 17) + 1);
  EXPECT_EQ(make_compressor("none", shape, {})->max_payload_bytes(), 4 * kElements);
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
