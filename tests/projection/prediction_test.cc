#include "runtime/projection/prediction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kRoundings = 1e-12;  // seconds, of some tens of milliseconds: a few roundings of 2^-53

// 1 us a byte, 100 us latency, messages for nothing.
constexpr Link kLink{.latency_seconds = 100e-6, .seconds_per_byte = 1e-6};

constexpr Workload kWorkload{.compute_seconds = 30e-3, .other_seconds = 2e-3, .buckets = 1};

Subject dense() {
  return {.name = "none", .payload = {.float32_bytes = 8000}, .compress_seconds = 1e-3};
}

TEST(Predict, AddsUpAStepWithoutOverlap) {
  // 4 ranks: 2 rounds and 2 x 3/4 x 8000 bytes: 0.2 + 12 ms; losses 1 round and 3 x 24 bytes: 0.172 ms.
  const Prediction p = predict(dense(), kWorkload, kLink, 4);
  EXPECT_NEAR(p.exchange_seconds, 12.372e-3, kRoundings);
  EXPECT_NEAR(p.exposed_seconds, 12.372e-3, kRoundings);
  EXPECT_NEAR(p.step_seconds, 32e-3 + 1e-3 + 12.372e-3, kRoundings);
  EXPECT_NEAR(p.scaling_efficiency, 32.0 / 45.372, kRoundings);
  EXPECT_EQ(p.wire_bytes_sent, 12000 + 72);
  EXPECT_EQ(p.payload_bytes, 8000);
  EXPECT_EQ(p.learners, 4u);
}

TEST(Predict, OneRankExchangesNothing) {
  const Prediction p = predict(dense(), kWorkload, kLink, 1);
  EXPECT_EQ(p.exchange_seconds, 0.0);
  EXPECT_NEAR(p.step_seconds, 33e-3, kRoundings);
}

TEST(Predict, HidesBucketsBehindBackward) {
  Workload workload = kWorkload;
  workload.is_overlapped = true;
  workload.buckets = 4;
  // Two ranks: 8 rounds and 8000 bytes: 8.8 ms, with 1 ms of compressing 9.8. Backward is 20 ms, of which 15
  // lie before the last bucket: all but the last quarter of 9.8 is hidden.
  Prediction p = predict(dense(), workload, kLink, 2);
  EXPECT_NEAR(p.exposed_seconds, 8.8e-3 / 4 + 0.124e-3, kRoundings);
  EXPECT_NEAR(p.step_seconds, 32e-3 + 9.8e-3 / 4 + 0.124e-3, kRoundings);
  // A link of 10 us a byte: 80.8 ms, 81.8 with compressing; 15 of them are hidden.
  const Link slow{.latency_seconds = 100e-6, .seconds_per_byte = 10e-6};
  p = predict(dense(), workload, slow, 2);
  EXPECT_NEAR(p.step_seconds, 32e-3 + 81.8e-3 - 15e-3 + 0.34e-3, kRoundings);
}

TEST(Predict, LooksForTheBestNumberOfBuckets) {
  Workload workload = kWorkload;
  workload.is_overlapped = true;
  workload.buckets = 0;
  workload.most_buckets = 20;
  // With N buckets 1 + 8 + 0.2 N ms, of which an N-th stays: 9 / N + 0.2 is least at the most there may be
  // ...
  EXPECT_EQ(predict(dense(), workload, kLink, 2).buckets, 20u);
  // ... unless backward is shorter than what is to be hidden. With 1 ms of it, 9 + 0.2 N - (1 - 1 / N) is
  // least where 0.2 (N - 1) = 1 - 1 / N + more: at N = 2 it is 8.9, at 1 9.2, at 3 8.93.
  workload.compute_seconds = 1.5e-3;
  EXPECT_EQ(predict(dense(), workload, kLink, 2).buckets, 2u);
  workload.is_overlapped = false;
  EXPECT_EQ(predict(dense(), workload, kLink, 2).buckets, 1u);
}

TEST(Predict, DecodesEveryonesGatheredPayloads) {
  Workload workload = kWorkload;
  workload.learners_per_rank = 2;
  const Subject topk{.name = "topk",
                     .payload = {.gathered_bytes = 100, .gathered_elements = 10},
                     .compress_seconds = 1e-3,
                     .seconds_per_payload = 30e-6};
  // 8 ranks of 2 learners: 14 payloads more than its own.
  EXPECT_NEAR(predict(topk, workload, kLink, 8).compress_seconds, 1e-3 + 14 * 30e-6, kRoundings);
  EXPECT_NEAR(predict(topk, workload, kLink, 1).compress_seconds, 1e-3, kRoundings);
}

TEST(Predict, WaitsForTheLeader) {
  Subject scalecom = dense();
  scalecom.leader_seconds = 4e-3;
  EXPECT_NEAR(predict(scalecom, kWorkload, kLink, 2).exchange_seconds,
              predict(dense(), kWorkload, kLink, 2).exchange_seconds + 4e-3, kRoundings);
  EXPECT_EQ(predict(scalecom, kWorkload, kLink, 1).exchange_seconds, 0.0);
}

MeasuredRun run_of(std::uint32_t ranks, const Payload& payload) {
  MeasuredRun run{.directory = "run"};
  run.learners = ranks;
  run.layout = {.ranks = ranks};
  run.compressor = "any";
  run.compress_seconds = 1e-3;
  run.payload = payload;
  run.layers = {{.name = "w", .kind = "fully-connected", .elements = 1e6, .method = "none"}};
  return run;
}

TEST(MeasuredSubject, TakesOffWhatOthersPayloadsTook) {
  // 4 learners, so 3 payloads of 10,000 elements, 3 ns each: 90 us. Half as fast a codec doubles what is
  // left, and each.
  const Subject subject =
      measured_subject(run_of(4, {.gathered_elements = 1e4}), {.scale = 2.0, .seconds_per_element = 3e-9});
  EXPECT_NEAR(subject.compress_seconds, 2 * 910e-6, kRoundings);
  EXPECT_NEAR(subject.seconds_per_payload, 60e-6, kRoundings);
  EXPECT_EQ(subject.leader_seconds, 0.0);
}

TEST(ClosedFormSubject, GuessesByElements) {
  // 6.91 ns an element.
  const Subject subject =
      closed_form_subject(run_of(2, {}), "topk", 100, {.scale = 0.5, .seconds_per_element = 3e-9});
  EXPECT_NEAR(subject.compress_seconds, 0.5 * 6.91e-3, kRoundings);
  EXPECT_NEAR(subject.seconds_per_payload, 0.5 * 3e-9 * 1e4, kRoundings);
  EXPECT_FALSE(subject.is_measured);
}

TEST(LinkOfRuns, IsTheOneThatGivesBackTheirTimes) {
  // Two runs, dense and gathered, whose exchange took what the link says.
  std::vector<MeasuredRun> runs = {run_of(2, {.float32_bytes = 8000}), run_of(2, {.gathered_bytes = 10})};
  for (MeasuredRun& run : runs) {
    const Subject subject = measured_subject(run, {});
    run.exchange_seconds = predict(subject, kWorkload, kLink, 2).exchange_seconds;
  }
  const Link link = link_of_runs(runs, {}, {.latency_seconds = 1.0}, false);
  EXPECT_NEAR(link.latency_seconds / kLink.latency_seconds, 1.0, 1e-9);
  EXPECT_NEAR(link.seconds_per_byte / kLink.seconds_per_byte, 1.0, 1e-9);
}

TEST(LinkOfRuns, IsNotKnownFromOneRank) {
  const std::vector<MeasuredRun> runs = {run_of(1, {.float32_bytes = 8000})};
  EXPECT_THAT([&] { (void)link_of_runs(runs, {}, {.latency_seconds = 1.0}, false); },
              ThrowsMessage<ConfigError>(HasSubstr("bandwidth: must be given")));
}

}  // namespace
}  // namespace sterna::projection
