#include "runtime/exchange/bucket_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::exchange {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kSteps = 5;

tensor::ParameterTable four_layers() {
  tensor::ParameterTable table;
  for (const char* name : {"a", "b", "c", "d"}) {
    table.add({.name = name, .shape = {40, 50}, .kind = tensor::ParameterKind::kFullyConnected});
  }
  return table;
}

// After a compressor's name: with the sparse sum.
constexpr std::string_view kSparseSum = "_sparse_sum";

ExchangeOptions options_for(std::string_view compressor, std::uint32_t learners) {
  ExchangeOptions options;
  if (compressor.ends_with(kSparseSum)) {
    options.gather = Gather::kSparseSum;
    compressor.remove_suffix(kSparseSum.size());
  }
  options.compressor = compressor;
  options.settings.rate = 10;
  options.learners = learners;
  return options;
}

// Writes a gradient's part of one parameter, and tells of it, last parameter first, as backward does.
void backward(const tensor::ParameterTable& table, std::uint32_t learner, std::uint64_t step,
              std::span<float> gradient, BucketExchange& buckets) {
  for (std::size_t p = table.size(); p-- > 0;) {
    const RandomKey key{
        .learner = learner, .step = static_cast<std::uint32_t>(step), .layer = static_cast<std::uint16_t>(p)};
    const std::span<float> slice = table.slice(gradient, p);
    for (std::size_t i = 0; i < slice.size(); ++i) slice[i] = random_normal(key, i);
    buckets.tell_ready(p);
  }
}

std::vector<AlignedVector<float>> means(const std::string& compressor, int ranks, bool is_overlapped) {
  const tensor::ParameterTable table = four_layers();
  const auto plan = bucket::plan_buckets(table, 4 * 2000);  // one parameter each
  std::vector<AlignedVector<float>> of_rank_0;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    GradientExchange exchange(comm, table, options_for(compressor, static_cast<std::uint32_t>(ranks)));
    std::vector<AlignedVector<float>> gradients(1, AlignedVector<float>(table.arena_elements(), 0.0f));
    AlignedVector<float> mean(table.arena_elements(), 0.0f);
    BucketExchange buckets(comm, exchange, plan, is_overlapped);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      buckets.begin(step, gradients, mean);
      backward(table, static_cast<std::uint32_t>(comm.rank()), step, gradients[0], buckets);
      const ExchangeRecord record = buckets.finish();
      EXPECT_GE(record.exchange_seconds(), record.exposed_seconds);
      if (comm.rank() == 0) of_rank_0.push_back(mean);
    }
  });
  return of_rank_0;
}

class EveryCompressor : public testing::TestWithParam<std::string> {};

TEST_P(EveryCompressor, GivesTheSameBitsOverlappedOrNot) {
  for (int ranks : {1, 2, 3}) {
    EXPECT_EQ(means(GetParam(), ranks, true), means(GetParam(), ranks, false)) << ranks << " ranks";
  }
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryCompressor, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& entry : compressors::compressor_table())
                             names.emplace_back(entry.name);
                           for (const std::string_view name : compressors::element_choosing_compressors())
                             names.push_back(std::string(name).append(kSparseSum));
                           return names;
                         }()),
                         [](const auto& test) { return test.param; });

struct Counted {
  std::size_t exchanges = 0;
  std::size_t parts = 0;  // check, encode, transfer, decode
};

// Counts the spans of a bucket's exchange; every part lies within the exchange that ends after it.
Counted count(std::span<const SpanRecord> spans) {
  Counted counted;
  std::size_t first_part = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (std::string(spans[i].name) != "exchange") continue;
    const SpanRecord& whole = spans[i];
    EXPECT_STREQ(whole.arguments[0].key, "bucket");
    EXPECT_EQ(whole.arguments[0].number, counted.exchanges % 4);
    EXPECT_EQ(whole.arguments[1].number, 1u);                                    // parameters
    EXPECT_EQ(whole.arguments[2].text[0], "dcba"[counted.exchanges % 4]);        // the last one first
    EXPECT_EQ(whole.arguments[3].number, 4u * 2000u) << whole.arguments[3].key;  // bytes_sent: two halves
    EXPECT_EQ(whole.step, counted.exchanges / 4);
    for (std::size_t part = first_part; part < i; ++part, ++counted.parts) {
      EXPECT_LE(whole.time.begin, spans[part].time.begin);
      EXPECT_LE(spans[part].time.end, whole.time.end);
    }
    first_part = i + 1;
    ++counted.exchanges;
  }
  EXPECT_EQ(first_part, spans.size());
  return counted;
}

// Backward and the exchange leave spans at the same time, each in the log of its thread.
TEST(BucketExchange, LeavesSpansInTheLogOfItsThread) {
  const tensor::ParameterTable table = four_layers();
  const auto plan = bucket::plan_buckets(table, 4 * 2000);
  for (bool is_overlapped : {false, true}) {
    collectives::run_on_threads(2, [&](collectives::Communicator& comm) {
      SpanLog training(1000);
      SpanLog exchanging(1000);
      GradientExchange exchange(comm, table, options_for("none", 2));
      std::vector<AlignedVector<float>> gradients(1, AlignedVector<float>(table.arena_elements(), 0.0f));
      AlignedVector<float> mean(table.arena_elements(), 0.0f);
      BucketExchange buckets(comm, exchange, plan, is_overlapped, &exchanging);
      for (std::uint64_t step = 0; step < kSteps; ++step) {
        const Span span(&training, "step", step);
        buckets.begin(step, gradients, mean);
        {
          const Span backward_span(&training, "backward", step);
          backward(table, static_cast<std::uint32_t>(comm.rank()), step, gradients[0], buckets);
        }
        (void)buckets.finish();
        EXPECT_EQ(exchanging.spans().size(), (step + 1) * 4 * 5);  // may be read when finish() has returned
      }
      const Counted counted = count(exchanging.spans());
      EXPECT_EQ(counted.exchanges, 4 * kSteps);
      EXPECT_EQ(counted.parts, 4 * 4 * kSteps);
      EXPECT_EQ(training.spans().size(), 2 * kSteps);
    });
  }
}

// A step on one rank, whose gradients `spoil` may change.
void run_step(BucketExchange& buckets, const tensor::ParameterTable& table,
              std::vector<AlignedVector<float>>& gradients, std::span<float> mean, std::uint64_t step) {
  buckets.begin(step, gradients, mean);
  backward(table, 0, step, gradients[0], buckets);
  (void)buckets.finish();
}

struct OneRank {
  explicit OneRank(bool is_overlapped)
      : exchange(*comm, table, options_for("topk", 1)), buckets(*comm, exchange, plan, is_overlapped) {}

  tensor::ParameterTable table = four_layers();
  std::vector<bucket::GradientBucket> plan = bucket::plan_buckets(table, 4 * 2000);
  std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  GradientExchange exchange;
  std::vector<AlignedVector<float>> gradients{AlignedVector<float>(table.arena_elements(), 0.0f)};
  AlignedVector<float> mean = AlignedVector<float>(table.arena_elements(), 0.0f);
  BucketExchange buckets;  // last: its thread uses the memory above until it is gone
};

TEST(BucketExchange, RethrowsWhatABucketThrewAndGoesOn) {
  for (bool is_overlapped : {false, true}) {
    OneRank rank(is_overlapped);
    rank.buckets.begin(7, rank.gradients, rank.mean);
    rank.table.slice(std::span<float>(rank.gradients[0]), 2)[0] = std::numeric_limits<float>::infinity();
    for (std::size_t p = rank.table.size(); p-- > 0;) rank.buckets.tell_ready(p);
    EXPECT_THAT([&] { (void)rank.buckets.finish(); },
                ThrowsMessage<DivergedError>(HasSubstr("step 7, layer c, learner 0")));
    EXPECT_NO_THROW(run_step(rank.buckets, rank.table, rank.gradients, rank.mean, 8));
  }
}

TEST(BucketExchange, RefusesToFinishWhatIsNotReadyAndToBeginTwice) {
  OneRank rank(/*is_overlapped=*/false);
  rank.buckets.begin(0, rank.gradients, rank.mean);
  EXPECT_THROW(rank.buckets.begin(0, rank.gradients, rank.mean), InternalError);
  EXPECT_THROW((void)rank.buckets.finish(), InternalError);
  rank.buckets.tell_ready(3);
  EXPECT_THROW(rank.buckets.tell_ready(3), InternalError);
}

// Rank 0 fails in its backward pass while its thread waits for rank 1, which never comes.
TEST(BucketExchange, GivesUpItsWaitWhereTheRankFails) {
  const tensor::ParameterTable table = four_layers();
  const auto plan = bucket::plan_buckets(table, 4 * 2000);
  EXPECT_THAT(
      [&] {
        collectives::run_on_threads(2, [&](collectives::Communicator& comm) {
          if (comm.rank() == 1) return;
          GradientExchange exchange(comm, table, options_for("none", 2));
          std::vector<AlignedVector<float>> gradients(1, AlignedVector<float>(table.arena_elements(), 0.0f));
          AlignedVector<float> mean(table.arena_elements(), 0.0f);
          BucketExchange buckets(comm, exchange, plan, /*is_overlapped=*/true);
          buckets.begin(0, gradients, mean);
          buckets.tell_ready(3);
          throw ConfigError("a fault in backward");
        });
      },
      ThrowsMessage<ConfigError>(HasSubstr("a fault in backward")));
}

TEST(Interval, HasThePartThatLiesWithinAnother) {
  const TimePoint start{};
  const auto at = [&](int seconds) { return start + std::chrono::seconds(seconds); };
  const Interval interval{at(10), at(20)};
  EXPECT_EQ(interval.seconds(), 10.0);
  EXPECT_EQ(interval.seconds_within({at(0), at(30)}), 10.0);
  EXPECT_EQ(interval.seconds_within({at(12), at(15)}), 3.0);
  EXPECT_EQ(interval.seconds_within({at(15), at(30)}), 5.0);
  EXPECT_EQ(interval.seconds_within({at(20), at(30)}), 0.0);
  EXPECT_EQ(interval.seconds_within({at(0), at(5)}), 0.0);
}

TEST(ExchangeRecord, AddsUpItsIntervals) {
  const TimePoint start{};
  const auto at = [&](int seconds) { return start + std::chrono::seconds(seconds); };
  ExchangeRecord record{.compress_seconds = 1.0, .under_way = {{at(0), at(2)}}, .exposed_seconds = 0.5};
  record += {.compress_seconds = 2.0, .under_way = {{at(4), at(5)}}, .exposed_seconds = 0.25};
  EXPECT_EQ(record.compress_seconds, 3.0);
  EXPECT_EQ(record.exchange_seconds(), 3.0);
  EXPECT_EQ(record.exchange_seconds_within({at(1), at(10)}), 2.0);
  EXPECT_EQ(record.exposed_seconds, 0.75);
}

}  // namespace
}  // namespace sterna::exchange
