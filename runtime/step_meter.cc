#include <cmath>
#include <limits>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "runtime/run.h"

namespace sterna {
namespace {

// One learner's score as it travels, 24 bytes.
struct WireScore {
  double loss_sum;
  std::uint32_t correct;
  std::uint32_t correct_top5;
  std::uint64_t labels;
};

WireScore wire_score(const models::BatchScore& score) {
  STERNA_CHECK(score.correct_top5 <=
               std::numeric_limits<std::uint32_t>::max());  // so is `correct`, which is less
  return {.loss_sum = score.loss_sum,
          .correct = static_cast<std::uint32_t>(score.correct),
          .correct_top5 = static_cast<std::uint32_t>(score.correct_top5),
          .labels = score.labels};
}

// The scores of all learners, in learner order.
std::vector<WireScore> gather_scores(collectives::Communicator& comm,
                                     std::span<const models::BatchScore> local) {
  std::vector<WireScore> mine;
  for (const models::BatchScore& score : local) mine.push_back(wire_score(score));
  std::vector<WireScore> all(mine.size() * static_cast<std::size_t>(comm.ranks()));
  collectives::all_gather(comm, std::as_bytes(std::span(mine)), std::as_writable_bytes(std::span(all)));
  return all;
}

// Mean over learners of the bytes that one of them sends, all layers together, rounded up.
std::uint64_t mean_payload_bytes(const Run& run) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < run.model->parameters().size(); ++i) {
    for (std::size_t bytes : run.layers().traffic(i).payload_bytes) sum += bytes;
  }
  return (sum + run.config.learners - 1) / run.config.learners;
}

}  // namespace

models::BatchScore sum_over_learners(collectives::Communicator& comm,
                                     std::span<const models::BatchScore> local, std::string_view where) {
  const std::vector<WireScore> all = gather_scores(comm, local);
  models::BatchScore sum;
  for (std::size_t learner = 0; learner < all.size(); ++learner) {
    if (!std::isfinite(all[learner].loss_sum)) {
      throw AgreedDivergedError(
          cat("[train] ", where, "learner ", learner, ": the loss is ", all[learner].loss_sum));
    }
    sum.loss_sum += all[learner].loss_sum;
    sum.correct += all[learner].correct;
    sum.correct_top5 += all[learner].correct_top5;
    sum.labels += all[learner].labels;
  }
  return sum;
}

StepMeter::StepMeter(const Run& run, std::uint64_t step)
    : scores(run.local.count),
      run_(run),
      step_(step),
      whole_step_(run.span("step", step)),
      before_(run.comm.traffic()) {}

record::StepRecord StepMeter::record(float learning_rate, const Stopwatch& step_clock) {
  const std::uint64_t gradient_bytes = run_.comm.traffic().bytes_sent - before_.bytes_sent;
  STERNA_CHECK(traffic.sent.total() == gradient_bytes);
  Span gather_span = span("losses");
  const Stopwatch gather_clock;
  const models::BatchScore sum = sum_over_learners(run_.comm, scores, cat("step ", step_, ", "));
  const double gather_seconds = gather_clock.seconds();
  gather_span.end();
  const auto labels = static_cast<double>(sum.labels);

  record::StepRecord r;
  r.step = step_;
  r.epoch = step_ / run_.steps_per_epoch;
  r.samples = (step_ + 1) * run_.config.batch * run_.config.learners;
  r.loss = sum.loss_sum / labels;
  r.accuracy = static_cast<double>(sum.correct) / labels;
  r.learning_rate = static_cast<double>(learning_rate);
  r.compute_seconds = compute_seconds;
  r.compress_seconds = traffic.compress_seconds;
  r.exchange_seconds = traffic.exchange_seconds() + gather_seconds;
  r.exposed_seconds = traffic.exposed_seconds + gather_seconds;
  const collectives::Traffic& after = run_.comm.traffic();
  r.wire_bytes_sent = after.bytes_sent - before_.bytes_sent;
  r.wire_bytes_received = after.bytes_received - before_.bytes_received;
  r.network_bytes_sent = after.network_bytes_sent - before_.network_bytes_sent;
  r.network_bytes_received = after.network_bytes_received - before_.network_bytes_received;
  r.value_bytes = traffic.sent.values;
  r.index_bytes = traffic.sent.indices;
  r.header_bytes = traffic.sent.headers;
  r.padding_bytes = traffic.sent.padding;
  r.forwarded_bytes = traffic.sent.forwarded;
  r.control_bytes = r.wire_bytes_sent - gradient_bytes;
  r.payload_bytes = mean_payload_bytes(run_);
  r.dense_bytes = run_.model->parameters().elements() * sizeof(float);
  r.compression_rate = static_cast<double>(r.dense_bytes) / static_cast<double>(r.payload_bytes);
  for (std::size_t i = 0; i < run_.model->parameters().size(); ++i) {
    r.elements_sent += run_.layers().traffic(i).elements_sent;
  }
  r.buckets = run_.buckets.size();
  if (r.exchange_seconds > 0.0) {
    r.bandwidth_bytes_per_second = static_cast<double>(r.wire_bytes_sent) / r.exchange_seconds;
  }
  r.step_seconds = step_clock.seconds();
  return r;
}

}  // namespace sterna
