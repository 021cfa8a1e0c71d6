#include "runtime/projection/prediction.h"

#include <algorithm>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

// Of a layer's two passes and an update, a learner does one after the other; backward computes two products
// where forward computes one.
constexpr double kBackwardShare = 2.0 / 3.0;

// Of what a learner takes to compress: the leader's choice, for which the others wait.
constexpr double kLeaderShare = 0.5;

// More are not looked at where the number is open.
constexpr std::size_t kMostBuckets = 64;

Layout layout_of(const Workload& workload, std::uint32_t ranks, std::size_t buckets) {
  return {.ranks = ranks, .learners_per_rank = workload.learners_per_rank, .buckets = buckets};
}

double waiting_for_leader(const MeasuredRun& run, double compress_seconds) {
  const bool has_leader = run.payload.index_bytes > 0.0;
  return has_leader ? kLeaderShare * compress_seconds / run.layout.learners_per_rank : 0.0;
}

// Of what the run gathered; its layers may have travelled each in its way.
double seconds_per_element(const MeasuredRun& run, const CodecCosts& costs) {
  double seconds = costs.seconds_per_element;
  if (seconds > 0.0) return seconds;
  for (const Layer& layer : run.layers) {
    seconds = std::max(seconds, guessed_seconds_per_gathered_element(layer.method));
  }
  return seconds;
}

Prediction predict_in(const Subject& subject, const Workload& workload, const Link& link, std::uint32_t ranks,
                      std::size_t buckets) {
  const Layout layout = layout_of(workload, ranks, buckets);
  const auto learners = static_cast<std::uint32_t>(ranks * workload.learners_per_rank);
  const Traffic gradient = gradient_traffic(subject.payload, layout);
  const Traffic losses = loss_traffic(layout);
  const double loss_seconds = transfer_seconds(losses, link);
  double exchange = transfer_seconds(gradient, link);
  if (ranks > 1) exchange += subject.leader_seconds;
  const double compress =
      subject.compress_seconds + (learners - workload.learners_per_rank) * subject.seconds_per_payload;

  const double not_last = 1.0 - 1.0 / static_cast<double>(buckets);
  const double work = compress + exchange;
  const double hidden =
      workload.is_overlapped ? not_last * std::min(work, kBackwardShare * workload.compute_seconds) : 0.0;
  const double hidden_part = work > 0.0 ? hidden / work : 0.0;

  Prediction p{.ranks = ranks, .learners = learners, .buckets = buckets};
  p.compute_seconds = workload.compute_seconds;
  p.compress_seconds = compress;
  p.exchange_seconds = exchange + loss_seconds;
  p.exposed_seconds = exchange * (1.0 - hidden_part) + loss_seconds;
  p.step_seconds = workload.alone_seconds() + work - hidden + loss_seconds;
  p.wire_bytes_sent = gradient.sent_bytes + losses.sent_bytes;
  p.payload_bytes = payload_bytes(subject.payload, learners);
  p.scaling_efficiency = p.step_seconds > 0.0 ? workload.alone_seconds() / p.step_seconds : 1.0;
  return p;
}

}  // namespace

Subject measured_subject(const MeasuredRun& run, const CodecCosts& costs) {
  Subject subject{.name = run.compressor, .is_measured = true, .payload = run.payload};
  subject.seconds_per_payload = seconds_per_element(run, costs) * run.payload.gathered_elements;
  const double others = run.learners - run.layout.learners_per_rank;
  subject.compress_seconds =
      costs.scale * std::max(0.0, run.compress_seconds - others * subject.seconds_per_payload);
  subject.seconds_per_payload *= costs.scale;
  subject.leader_seconds = waiting_for_leader(run, subject.compress_seconds);
  return subject;
}

Subject closed_form_subject(const MeasuredRun& run, const std::string& compressor, double rate,
                            const CodecCosts& costs) {
  Subject subject{
      .name = compressor, .is_measured = false, .payload = payload_of(compressor, rate, run.layers)};
  const double one = costs.scale * guessed_compress_seconds(compressor, run.layers);
  subject.compress_seconds = one * run.layout.learners_per_rank;
  const double per_element = costs.seconds_per_element > 0.0
                                 ? costs.seconds_per_element
                                 : guessed_seconds_per_gathered_element(compressor);
  subject.seconds_per_payload = costs.scale * per_element * subject.payload.gathered_elements;
  if (subject.payload.index_bytes > 0.0) subject.leader_seconds = kLeaderShare * one;
  return subject;
}

Prediction predict(const Subject& subject, const Workload& workload, const Link& link, std::uint32_t ranks) {
  if (workload.buckets > 0) return predict_in(subject, workload, link, ranks, workload.buckets);
  Prediction best = predict_in(subject, workload, link, ranks, 1);
  const std::size_t most = workload.is_overlapped ? std::min(workload.most_buckets, kMostBuckets) : 1;
  for (std::size_t buckets = 2; buckets <= most; ++buckets) {
    const Prediction other = predict_in(subject, workload, link, ranks, buckets);
    if (other.step_seconds < best.step_seconds) best = other;
  }
  return best;
}

Link link_of_runs(std::span<const MeasuredRun> runs, const CodecCosts& costs, const Link& known,
                  bool is_latency_known) {
  std::vector<Observation> observations;
  for (const MeasuredRun& run : runs) {
    if (run.layout.ranks < 2) continue;
    Observation seen{.traffic = gradient_traffic(run.payload, run.layout)};
    seen.traffic += loss_traffic(run.layout);
    seen.seconds =
        run.exchange_seconds - waiting_for_leader(run, measured_subject(run, costs).compress_seconds);
    if (seen.seconds > 0.0) observations.push_back(seen);
  }
  if (observations.empty()) {
    throw ConfigError(
        "[project] bandwidth: must be given, for no run had two ranks that exchanged something; try "
        "--bandwidth "
        "10gbit");
  }
  return fit_link(observations, known, is_latency_known);
}

}  // namespace sterna::projection
