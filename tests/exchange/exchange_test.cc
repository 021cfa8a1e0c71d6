#include "runtime/exchange/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "tests/exchange/run_exchange.h"

namespace sterna::exchange {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Outcome run(std::string_view compressor, std::uint32_t learners, int ranks, std::uint64_t steps,
            std::size_t bucket_bytes = 1u << 20) {
  return run_with(options_for(compressor, learners), ranks, steps, bucket_bytes, /*scale=*/1.0f);
}

class EveryCompressor : public testing::TestWithParam<std::string> {};

TEST_P(EveryCompressor, GivesTheSameBitsAtAnyNumberOfRanks) {
  const Outcome one = run(GetParam(), /*learners=*/4, /*ranks=*/1, /*steps=*/6);
  for (int ranks : {2, 4}) {
    const Outcome more = run(GetParam(), 4, ranks, 6);
    EXPECT_EQ(more.means, one.means) << ranks << " ranks";
    EXPECT_EQ(more.payload_bytes, one.payload_bytes) << ranks << " ranks";
  }
}

// ... and leads ScaleCom in the third step.
TEST_P(EveryCompressor, TakesALearnerThatHasNothingToSend) {
  const auto with_silence = [](int ranks) {
    return run_with(options_for(GetParam(), 4), ranks, /*steps=*/4, 1u << 20, /*scale=*/1.0f,
                    /*ranks_per_host=*/1, /*silent_learner=*/2);
  };
  const Outcome one = with_silence(1);
  EXPECT_NE(one.means, run(GetParam(), 4, 1, 4).means);
  for (int ranks : {2, 4}) EXPECT_EQ(with_silence(ranks).means, one.means) << ranks << " ranks";
}

TEST_P(EveryCompressor, GivesTheSameBitsWithThreeLearnersOnOneAndOnThreeRanks) {
  EXPECT_EQ(run(GetParam(), 3, 3, 4).means, run(GetParam(), 3, 1, 4).means);
}

TEST_P(EveryCompressor, GivesTheSameBitsHoweverLayersAreBucketed) {
  EXPECT_EQ(run(GetParam(), 2, 2, 4, /*bucket_bytes=*/4).means, run(GetParam(), 2, 2, 4, 1u << 20).means);
}

TEST_P(EveryCompressor, LeavesDenseLayersAsTheMeanOfTheGradients) {
  const tensor::ParameterTable table = small_network();
  const Outcome outcome = run(GetParam(), 2, 2, 1);
  const AlignedVector<float> a = gradient(table, 0, 0);
  const AlignedVector<float> b = gradient(table, 1, 0);
  for (std::size_t parameter : {0u, 3u}) {  // the first convolution and the bias
    const std::size_t first = table[parameter].offset;
    for (std::size_t i = first; i < first + table[parameter].elements; ++i) {
      EXPECT_EQ(outcome.means[0][i], (a[i] + b[i]) / 2.0f) << table[parameter].name;
    }
  }
}

// What is held back is sent later: over many steps the means add up to what the gradients add up to, but for
// what the learners still hold.
TEST_P(EveryCompressor, LosesNothing) {
  constexpr std::uint64_t kSteps = 30;
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange(*comm, table, options_for(GetParam(), 2));
  const auto buckets = bucket::plan_buckets(table, 1u << 20);
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  std::vector<double> sent(table.arena_elements(), 0.0), wanted(table.arena_elements(), 0.0);
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    const std::vector<AlignedVector<float>> gradients = {gradient(table, 0, step), gradient(table, 1, step)};
    exchange.reduce_to_mean(buckets[0], step, gradients, mean);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      sent[i] += static_cast<double>(mean[i]);
      wanted[i] += 0.5 * (static_cast<double>(gradients[0][i]) + static_cast<double>(gradients[1][i]));
    }
  }
  // bf16 rounds each gradient and each mean to 8 bits: relative 2^-8 of values below 8, twice, in each of 30
  // steps. Exact methods round only in float32.
  const bool is_half = GetParam() == "fp16" || GetParam() == "bf16";
  const double tolerance = is_half ? 30 * 2 * 8 * 0x1p-8 : 30 * 64 * 0x1p-23;
  // A filtered residue has that part of what is owed.
  const auto beta = static_cast<double>(options_for(GetParam(), 2).settings.beta);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    double held = 0.0;
    for (std::size_t learner : {0u, 1u}) {
      if (!exchange.residue(learner).empty()) held += 0.5 * static_cast<double>(exchange.residue(learner)[i]);
    }
    EXPECT_NEAR(sent[i] + held / beta, wanted[i], tolerance) << "element " << i;
  }
}

TEST_P(EveryCompressor, TravelsDenseWhileCompressionIsOff) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange(*comm, table, options_for(GetParam(), 1));
  exchange.set_compression(false);
  const std::vector<AlignedVector<float>> gradients = {gradient(table, 0, 0)};
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  exchange.reduce_to_mean(bucket::plan_buckets(table, 1u << 20)[0], 0, gradients, mean);
  EXPECT_EQ(mean, gradients[0]);
  for (float held : exchange.residue(0)) EXPECT_EQ(held, 0.0f);
  EXPECT_THAT(exchange.traffic(2).payload_bytes, ElementsAre(4040));  // 1010 elements, 4 bytes each
}

// As LosesNothing, but the method changes on the way: what was held back then travels with the next gradient.
TEST_P(EveryCompressor, LosesNothingWhereTheMethodChanges) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange(*comm, table, options_for(GetParam(), 2));
  const auto buckets = bucket::plan_buckets(table, 1u << 20);
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  std::vector<double> left(table.arena_elements(), 0.0);
  for (std::uint64_t step = 0; step < 12; ++step) {
    exchange.set_methods(
        std::vector(table.size(), step < 5 || step == 8 ? Method::kConfigured : Method::kDense));
    exchange.set_compression(step != 5);  // residues rest, whatever the method
    const std::vector<AlignedVector<float>> gradients = {gradient(table, 0, step), gradient(table, 1, step)};
    exchange.reduce_to_mean(buckets[0], step, gradients, mean);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      left[i] += 0.5 * (static_cast<double>(gradients[0][i]) + static_cast<double>(gradients[1][i])) -
                 static_cast<double>(mean[i]);
    }
  }
  for (std::size_t learner : {0u, 1u}) {
    for (float held : exchange.residue(learner)) EXPECT_EQ(held, 0.0f);
  }
  const bool is_half = GetParam() == "fp16" || GetParam() == "bf16";
  const double tolerance = is_half ? 12 * 2 * 8 * 0x1p-8 : 12 * 64 * 0x1p-23;  // see above
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_NEAR(left[i], 0.0, tolerance) << "element " << i;
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryCompressor, testing::ValuesIn(ways_to_travel()),
                         [](const auto& test) { return test.param; });

TEST(Exchange, CountsTheBytesOfADenseSum) {
  // 36 + 288 + 1010 + 10 = 1344 values; two ranks own 672 each: 672 * 4 bytes go to the owner, as many come
  // back.
  EXPECT_EQ(run("none", 2, 2, 1).bytes_sent, 2u * (672 * 4 + 672 * 4));
  EXPECT_EQ(run("none", 2, 1, 1).bytes_sent, 0u);
}

TEST(Exchange, TakesAMethodForEachParameterButThoseThatStayDense) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange(*comm, table, options_for("topk", 1));
  const std::vector<AlignedVector<float>> gradients = {gradient(table, 0, 0)};
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  using enum Method;
  exchange.set_methods(std::vector{kFloat16, kFloat16, kConfigured, kConfigured});
  exchange.reduce_to_mean(bucket::plan_buckets(table, 1u << 20)[0], 0, gradients, mean);
  EXPECT_THAT(exchange.traffic(0).payload_bytes, ElementsAre(36 * 4));  // the first convolution
  EXPECT_THAT(exchange.traffic(1).payload_bytes, ElementsAre(288 * 2));
  // 101 of 1010: values, and indices of 10 bits.
  EXPECT_THAT(exchange.traffic(2).payload_bytes, ElementsAre(101 * 4 + (101 * 10 + 7) / 8));
  EXPECT_THAT(exchange.traffic(3).payload_bytes, ElementsAre(10 * 4));  // the bias
}

TEST(Exchange, CountsALeadersIndicesOnce) {
  // Rate 10: 29 chunks of conv2 (288) and 101 of fc (1010), an index of 4 bits (0..10) each: 15 and 51 bytes;
  // a value each: 116 and 404 bytes. After one step the leader was learner 0.
  const Outcome outcome = run("scalecom", 2, 2, 1);
  EXPECT_THAT(outcome.payload_bytes, ElementsAre(144, 144, 116 + 15, 116, 404 + 51, 404, 40, 40));
}

TEST_P(EveryCompressor, SaysOfEachByteThatItSendsWhatItIs) {
  for (const int ranks : {1, 2, 4}) {
    const Outcome outcome = run(GetParam(), /*learners=*/4, ranks, /*steps=*/3, /*bucket_bytes=*/1u << 12);
    EXPECT_EQ(outcome.sent.total(), outcome.bytes_sent) << ranks << " ranks";
    EXPECT_EQ(outcome.sent.values > 0, ranks > 1);
  }
}

void expect_sent(const WireBytes& sent, const WireBytes& expected) {
  EXPECT_EQ(sent.values, expected.values);
  EXPECT_EQ(sent.indices, expected.indices);
  EXPECT_EQ(sent.headers, expected.headers);
  EXPECT_EQ(sent.padding, expected.padding);
  EXPECT_EQ(sent.forwarded, 0u);
}

TEST(Exchange, TellsValuesFromIndicesOfGatheredPayloads) {
  // Of 288 elements 29 are sent, with indices of 9 bits: 33 and 116 bytes; of 1010, 101 with 10 bits: 127 and
  // 404. 36 + 10 values travel dense, half of them to the other rank and half back: 184 bytes a rank. A
  // message has 32 bytes, 4 for each of two sections, and its length before it 8.
  expect_sent(run("topk", 2, 2, 1).sent, {.values = 2 * (116 + 404 + 184),
                                          .indices = 2 * (33 + 127),
                                          .headers = 2 * (8 + 32 + 2 * 4),
                                          .padding = 0});
}

TEST(Exchange, TellsALeadersIndicesFromTheValuesThere) {
  // As CountsALeadersIndicesOnce: 46 dense values and 29 + 101 at the indices, half of them to the other rank
  // and half back; the leader alone sends 15 + 51 bytes of indices, with one header.
  expect_sent(
      run("scalecom", 2, 2, 1).sent,
      {.values = 2 * 4 * (46 + 29 + 101), .indices = 15 + 51, .headers = 8 + 32 + 2 * 4, .padding = 0});
}

TEST(Exchange, SendsNoIndicesThatAllRanksDraw) {
  // As TellsALeadersIndicesFromTheValuesThere, but ceil(288 / 10) and ceil(1010 / 10) values, and no message.
  const Outcome outcome = run("randomk", 2, 2, 1);
  EXPECT_THAT(outcome.payload_bytes, ElementsAre(144, 144, 4 * 29, 4 * 29, 4 * 101, 4 * 101, 40, 40));
  expect_sent(outcome.sent, {.values = 2 * 4 * (46 + 29 + 101), .indices = 0, .headers = 0, .padding = 0});
}

TEST(Exchange, DrawsOtherElementsAtEachStep) {
  // conv2's elements that are not 0: 29 of 288. With 6 steps of the same gradient, some are drawn twice.
  const tensor::ParameterTable table = small_network();
  const Outcome outcome = run("randomk", 2, 2, 6);
  const auto is_sent = [&](std::size_t step) {
    std::vector<bool> sent;
    for (const float value : table.slice(std::span<const float>(outcome.means[step]), 1))
      sent.push_back(value != 0.0f);
    return sent;
  };
  for (std::size_t step = 0; step < 6; ++step) {
    EXPECT_EQ(std::ranges::count(is_sent(step), true), 29);
    EXPECT_TRUE(step == 0 || is_sent(step) != is_sent(step - 1));
  }
}

TEST(Exchange, TellsThePaddingOfAnIndexMessage) {
  // Nothing but zeros: the exact selection sends two counts, 4 bytes each, and no index. The message has room
  // for 29 of 9 bits and 101 of 10.
  ExchangeOptions options = options_for("scalecom", 2);
  options.settings.selection = compressors::Selection::kExact;
  expect_sent(run_with(options, 2, 1, 1u << 20, /*scale=*/0.0f).sent,
              {.values = 2 * 4 * 46, .indices = 4 + 4, .headers = 8 + 32 + 2 * 4, .padding = 33 + 127});
}

TEST(Exchange, PassesTheLeadFromLearnerToLearner) {
  // Steps 0, 1, 2: the leader of the last step is 2 mod 2 = 0; after two steps it was learner 1.
  EXPECT_THAT(run("scalecom", 2, 2, 2).payload_bytes,
              ElementsAre(144, 144, 116, 116 + 15, 404, 404 + 51, 40, 40));
  EXPECT_THAT(run("scalecom", 2, 1, 3).payload_bytes,
              ElementsAre(144, 144, 116 + 15, 116, 404 + 51, 404, 40, 40));
}

TEST(Exchange, LeavesTheLeadWithTheFirstLearner) {
  // As above, but the 15 and 51 bytes of indices are learner 0's at every step, wherever it is hosted.
  ExchangeOptions options = options_for("scalecom", 2);
  options.is_leader_first = true;
  for (const int ranks : {1, 2}) {
    for (const std::uint64_t steps : {1u, 2u}) {
      EXPECT_THAT(run_with(options, ranks, steps, 1u << 20, /*scale=*/1.0f).payload_bytes,
                  ElementsAre(144, 144, 116 + 15, 116, 404 + 51, 404, 40, 40));
    }
  }
}

TEST(Exchange, RefusesALeaderWhereNobodyLeads) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  ExchangeOptions options = options_for("topk", 1);
  options.is_leader_first = true;
  EXPECT_THAT(
      [&] { GradientExchange exchange(*comm, table, options); },
      ThrowsMessage<ConfigError>(HasSubstr("leader = first with compressor = topk: must be rotate, as "
                                           "no learner leads here; try compressor = scalecom")));
}

TEST(Exchange, EmptiesWhatIsHeldBack) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange(*comm, table, options_for("topk", 2));
  const std::vector<AlignedVector<float>> gradients = {gradient(table, 0, 0), gradient(table, 1, 0)};
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  for (const auto& bucket : bucket::plan_buckets(table, 1u << 20)) {
    exchange.reduce_to_mean(bucket, 0, gradients, mean);
  }
  const auto is_zero = [](float value) { return value == 0.0f; };
  for (const std::size_t learner : {0u, 1u})
    EXPECT_FALSE(std::ranges::all_of(exchange.residue(learner), is_zero));
  exchange.empty_residues();
  for (const std::size_t learner : {0u, 1u})
    EXPECT_TRUE(std::ranges::all_of(exchange.residue(learner), is_zero));
}

TEST(Exchange, TakesThePatternOfDenseLayersFromTheUser) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  ExchangeOptions options = options_for("topk", 1);
  options.dense_layers = "^fc";
  const GradientExchange exchange(*comm, table, options);
  EXPECT_TRUE(exchange.is_compressed(0));
  EXPECT_TRUE(exchange.is_compressed(1));
  EXPECT_FALSE(exchange.is_compressed(2));
  EXPECT_FALSE(exchange.is_compressed(3));
  options.dense_layers = "^fv";
  EXPECT_THAT(
      [&] { GradientExchange(*comm, table, options); },
      ThrowsMessage<ConfigError>(HasSubstr("dense-layers = \"^fv\": is found in the name of no parameter")));
}

TEST(Exchange, NamesStepLayerAndLearnerOfAGradientThatIsNotFinite) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange(*comm, table, options_for("adacomp", 2));
  const auto bucket = bucket::plan_buckets(table, 1u << 20)[0];
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  for (float bad :
       {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    std::vector<AlignedVector<float>> gradients = {gradient(table, 0, 0), gradient(table, 1, 0)};
    gradients[1][table[2].offset + 1009] = bad;
    EXPECT_THAT([&] { exchange.reduce_to_mean(bucket, 17, gradients, mean); },
                ThrowsMessage<DivergedError>(HasSubstr("step 17, layer fc.weight, learner 1")));
  }
}

TEST(Exchange, RefusesAnUnknownCompressorEvenIfAllLayersAreDense) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  ExchangeOptions options = options_for("topk2", 1);
  options.dense_layers = ".";
  EXPECT_THAT([&] { GradientExchange(*comm, table, options); },
              ThrowsMessage<ConfigError>(HasSubstr("topk2")));
}

TEST(Exchange, RefusesASparseSumOfWhatIsNoChoiceOfElements) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  for (const auto& entry : compressors::compressor_table()) {
    ExchangeOptions options = options_for(entry.name, 1);
    options.gather = Gather::kSparseSum;
    if (std::ranges::count(std::array{"adacomp", "dryden", "ls", "strom", "topk"}, entry.name) != 0) {
      EXPECT_NO_THROW(GradientExchange(*comm, table, options));
      continue;
    }
    EXPECT_THAT(
        [&] { GradientExchange(*comm, table, options); },
        ThrowsMessage<ConfigError>(HasSubstr(cat("gather = sparse-sum with compressor = ", entry.name))));
  }
}

TEST(PlaceLearners, GivesEachRankConsecutiveLearners) {
  const LocalLearners local = place_learners(8, /*rank=*/3, /*ranks=*/4, false);
  EXPECT_EQ(local.first, 6u);
  EXPECT_EQ(local.count, 2u);
}

TEST(PlaceLearners, RefusesWhatRanksDoNotDivide) {
  EXPECT_THAT([] { (void)place_learners(5, 0, 2, false); },
              ThrowsMessage<ConfigError>(
                  HasSubstr("[exchange] learners = 5 on 2 ranks: must be a positive multiple of the "
                            "ranks; try learners = 6")));
  EXPECT_THAT([] { (void)place_learners(0, 0, 2, false); },
              ThrowsMessage<ConfigError>(HasSubstr("try learners = 2")));
}

TEST(PlaceLearners, RefusesASubtreeThatIsNotCompleteUnlessTheOrderIsFree) {
  EXPECT_THAT([] { (void)place_learners(6, 0, 2, false); },
              ThrowsMessage<ConfigError>(HasSubstr("try learners = 8, or sum-order = any")));
  EXPECT_EQ(place_learners(6, 1, 2, true).first, 3u);
  EXPECT_EQ(place_learners(6, 0, 1, false).count, 6u);  // one rank holds the whole tree
}

}  // namespace
}  // namespace sterna::exchange
