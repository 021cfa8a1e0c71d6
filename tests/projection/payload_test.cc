#include "runtime/projection/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<Layer> layers_by(const std::string& method) {
  return {{.name = "conv.weight", .kind = "convolution", .elements = 1000, .method = method},
          {.name = "fc.weight", .kind = "fully-connected", .elements = 5000, .method = method},
          {.name = "fc.bias", .kind = "bias", .elements = 10, .may_be_compressed = false, .method = "none"}};
}

TEST(Payload, OfDenseAndShortFormats) {
  EXPECT_EQ(payload_of("none", 100, layers_by("none")).float32_bytes, 4 * 6010);
  const Payload fp16 = payload_of("fp16", 100, layers_by("none"));
  EXPECT_EQ(fp16.float16_bytes, 2 * 6000);
  EXPECT_EQ(fp16.float32_bytes, 40);
}

TEST(Payload, OfTopK) {
  // 10 elements of 10 bits: 40 + 13 bytes. 50 of 13 bits: 200 + 82.
  const Payload payload = payload_of("topk", 100, layers_by("none"));
  EXPECT_EQ(payload.gathered_bytes, 53 + 282);
  EXPECT_EQ(payload.gathered_elements, 60);
  EXPECT_EQ(payload.float32_bytes, 40);
  EXPECT_EQ(payload.compressed_layers, 2u);
}

TEST(Payload, OfAdaComp) {
  // Convolution: 10 codes of 1 byte in 20 bins, so a bitmap of 3: 4 + 10 + 3. Other: 50 of 2 bytes in 10
  // bins: 4 + 100.
  EXPECT_EQ(payload_of("adacomp", 100, layers_by("none")).gathered_bytes, 17 + 104);
}

TEST(Payload, OfScaleCom) {
  // 10 and 50 chunks of 100: values of 4 bytes, fields of 7 bits: 9 and 44 bytes. The bias is float32 too.
  const Payload payload = payload_of("scalecom", 100, layers_by("none"));
  EXPECT_EQ(payload.float32_bytes, 240 + 40);
  EXPECT_EQ(payload.index_bytes, 53);
}

TEST(Payload, OfACompressorThatIsNotKnown) {
  EXPECT_THAT([] { (void)payload_of("gzip", 100, layers_by("none")); },
              ThrowsMessage<ConfigError>(HasSubstr("known are adacomp, bf16, fp16, none, scalecom, topk")));
}

TEST(Payload, OfALogOfGatheredPayloads) {
  // 40 bytes are the bias's; of 75 elements 10.
  const Payload payload =
      payload_of_log({.payload_bytes = 340, .elements_sent = 75, .learners = 2}, layers_by("topk"));
  EXPECT_EQ(payload.float32_bytes, 40);
  EXPECT_EQ(payload.gathered_bytes, 300);
  EXPECT_EQ(payload.gathered_elements, 65);
  EXPECT_EQ(payload.index_bytes, 0);
}

TEST(Payload, OfALogOfScaleCom) {
  // 60 values and the bias: 280 bytes; the rest is one of 4 learners' 52 bytes of indices.
  const Payload payload =
      payload_of_log({.payload_bytes = 293, .elements_sent = 70, .learners = 4}, layers_by("scalecom"));
  EXPECT_EQ(payload.float32_bytes, 280);
  EXPECT_EQ(payload.index_bytes, 52);
}

TEST(Payload, OfALogOfASparseSum) {
  // log2 of 1000 is 10 bits, of 5000 13, in the mean by elements 12.5.
  const Payload payload =
      payload_of_log({.payload_bytes = 500, .elements_sent = 75, .learners = 2, .is_sparse_sum = true},
                     layers_by("adacomp"));
  EXPECT_EQ(payload.sparse_elements, 65);
  EXPECT_EQ(payload.index_bits, 12.5);
  EXPECT_TRUE(payload.sends_signs);
  EXPECT_EQ(payload.gathered_bytes, 0);
}

TEST(Payload, OfALogWhoseLayersTravelledEachInItsWay) {
  std::vector<Layer> layers = layers_by("topk");
  layers[0].method = "fp16";
  const Payload payload =
      payload_of_log({.payload_bytes = 2340, .elements_sent = 1060, .learners = 2}, layers);
  EXPECT_EQ(payload.float16_bytes, 2000);
  EXPECT_EQ(payload.gathered_bytes, 300);
  EXPECT_EQ(payload.gathered_elements, 50);
}

TEST(Payload, StaysDenseWhereTrainingLeavesItSo) {
  EXPECT_TRUE(stays_dense({.name = "", .kind = "bias", .method = ""}, false));
  EXPECT_TRUE(stays_dense({.name = "", .kind = "normalisation", .method = ""}, false));
  EXPECT_TRUE(stays_dense({.name = "", .kind = "convolution", .method = ""}, true));
  EXPECT_FALSE(stays_dense({.name = "", .kind = "convolution", .method = ""}, false));
}

}  // namespace
}  // namespace sterna::projection
