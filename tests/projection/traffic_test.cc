#include "runtime/projection/traffic.h"

#include <gtest/gtest.h>

namespace sterna::projection {
namespace {

void expect_traffic(const Traffic& traffic, double rounds, double messages, double path_bytes,
                    double sent_bytes) {
  EXPECT_DOUBLE_EQ(traffic.rounds, rounds);
  EXPECT_DOUBLE_EQ(traffic.messages, messages);
  EXPECT_DOUBLE_EQ(traffic.path_bytes, path_bytes);
  EXPECT_DOUBLE_EQ(traffic.sent_bytes, sent_bytes);
}

TEST(Traffic, IsNoneOnOneRank) {
  expect_traffic(gradient_traffic({.float32_bytes = 4000, .gathered_bytes = 100}, {.ranks = 1}), 0, 0, 0, 0);
  expect_traffic(loss_traffic({.ranks = 1, .learners_per_rank = 4}), 0, 0, 0, 0);
}

TEST(Traffic, OfASum) {
  // 4 ranks: 3/4 of 4000 bytes out and back; in 2 buckets 2 x 2 rounds of 3 messages.
  expect_traffic(gradient_traffic({.float32_bytes = 4000}, {.ranks = 4, .buckets = 2}), 4, 12, 6000, 6000);
}

TEST(Traffic, OfASumInPieces) {
  // 3.5 MiB of float32 are 4 pieces of 1 MiB: 2 rounds, but 4 x 2 messages to the one peer.
  const double bytes = 3.5 * 1048576;
  expect_traffic(gradient_traffic({.float32_bytes = bytes}, {.ranks = 2}), 2, 8, bytes, bytes);
}

TEST(Traffic, OfASumIn16Bits) {
  // One learner a rank: 2 bytes a value both ways. Two: 4 bytes to the owner.
  expect_traffic(gradient_traffic({.float16_bytes = 2000}, {.ranks = 2}), 2, 2, 2000, 2000);
  expect_traffic(gradient_traffic({.float16_bytes = 2000}, {.ranks = 2, .learners_per_rank = 2}), 2, 2, 3000,
                 3000);
}

TEST(Traffic, OfALeadersIndices) {
  // 5 ranks: a tree of depth 3. Block: 100 bytes of indices, length 8, header 32, 2 sections x 4: 148. On the
  // longest way 3 times; 4 of 5 ranks receive it. The values: 4/5 of 400 out and back.
  const Payload payload{.float32_bytes = 400, .index_bytes = 100, .compressed_layers = 2};
  expect_traffic(gradient_traffic(payload, {.ranks = 5}), 2 + 3, 2 * 4 + 3, 640 + 3 * 148, 640 + 0.8 * 148);
}

TEST(Traffic, OfGatheredPayloads) {
  // 3 ranks of 2 learners, 2 buckets: to each of 2 peers 2 x (8 + 32) bytes and 2 x (100 + 3 x 4).
  const Payload payload{.gathered_bytes = 100, .compressed_layers = 3};
  expect_traffic(gradient_traffic(payload, {.ranks = 3, .learners_per_rank = 2, .buckets = 2}), 4, 8, 608,
                 608);
}

TEST(Traffic, OfASparseSum) {
  // 4 learners on 4 ranks; 80 elements of 10 bits, of which 2 say which part. Parts: 80 x (8 + 32) / 8 = 400
  // bytes, 3/4 of them to others; a message of 8 + 32 + 4 to each. Sums: 80 / 4 x (4 + 1) = 100 bytes, with 8
  // + 32 + 4 + 4, to each of 3.
  const Payload payload{.sparse_elements = 80, .index_bits = 10, .compressed_layers = 1};
  const double bytes = 300 + 3 * 44 + 3 * (100 + 48);
  expect_traffic(gradient_traffic(payload, {.ranks = 4}), 4, 12, bytes, bytes);
  EXPECT_DOUBLE_EQ(payload_bytes(payload, 4), 500);
}

TEST(Traffic, OfASparseSumOfSigns) {
  // Codes of 8 + 2 bits, and a scale of 4 bytes for each of 4 owners: 100 + 16.
  const Payload payload{.sparse_elements = 80, .index_bits = 10, .sends_signs = true, .compressed_layers = 1};
  EXPECT_DOUBLE_EQ(payload_bytes(payload, 4), 116 + 100);
}

TEST(Traffic, OfLosses) {
  expect_traffic(loss_traffic({.ranks = 4, .learners_per_rank = 2}), 1, 3, 144, 144);
}

TEST(Traffic, CountsAShareOfTheLeadersIndicesAsPayload) {
  EXPECT_DOUBLE_EQ(payload_bytes({.float32_bytes = 400, .index_bytes = 100}, 4), 425);
}

}  // namespace
}  // namespace sterna::projection
