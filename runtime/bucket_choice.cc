#include "runtime/bucket_choice.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "runtime/collectives/collectives.h"
#include "runtime/core/clock.h"
#include "runtime/core/errors.h"
#include "runtime/core/median.h"

namespace sterna {
namespace {

constexpr std::uint64_t kSettlingSteps = 2;  // buffers grow, connections open
constexpr std::size_t kWatchedSteps = 5;
constexpr std::size_t kMessages = 9;

// What a bucket costs without bytes, the same number on every rank: every exchange goes to and fro twice,
// with lengths or indices, then values.
double measure_message_seconds(collectives::Communicator& comm) {
  const std::uint64_t mine = 0;
  std::vector<std::uint64_t> all(static_cast<std::size_t>(comm.ranks()));
  std::vector<double> seconds;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const Stopwatch clock;
    for (int round = 0; round < 2; ++round) {
      collectives::all_gather(comm, std::as_bytes(std::span(&mine, 1)),
                              std::as_writable_bytes(std::span(all)));
    }
    seconds.push_back(clock.seconds());
  }
  return std::ranges::min(collectives::all_gather_value(comm, median(std::move(seconds))));
}

std::string sentence(const Run& run, double exposed_seconds) {
  std::array<char, 120> text{};
  const auto bytes = static_cast<double>(run.model->parameters().elements() * sizeof(float));
  const int written = std::snprintf(
      text.data(), text.size(), "buckets: %zu of about %.3g MB of gradient, %.3g ms a step exposed",
      run.buckets.size(), bytes / static_cast<double>(run.buckets.size()) * 1e-6, exposed_seconds * 1e3);
  STERNA_CHECK(written > 0);
  return text.data();
}

std::string sentence(const Run& run, double exposed_seconds, std::size_t other_buckets,
                     double other_exposed_seconds) {
  std::array<char, 80> text{};
  const int written =
      std::snprintf(text.data(), text.size(), "; %.3g ms in %zu", other_exposed_seconds * 1e3, other_buckets);
  STERNA_CHECK(written > 0);
  return sentence(run, exposed_seconds) + text.data();
}

}  // namespace

BucketChoice::BucketChoice(Run& run)
    : run_(run), is_open_(run.config.bucket_bytes == 0 && is_overlapped(run)) {
  watch_from(0, Phase::kWatchFirst);
}

std::optional<std::string> BucketChoice::after_step(const record::StepRecord& record) {
  if (!is_open_) return std::nullopt;
  const std::uint64_t compression_begins = run_.config.compress_after_epochs * run_.steps_per_epoch;
  if (record.step > 0 && record.step == compression_begins) {
    restart(record.step);
    return std::nullopt;
  }
  if (phase_ == Phase::kSettled || record.step < next_step_) return std::nullopt;
  watched_.exchange_seconds.push_back(record.exchange_seconds);
  watched_.exposed_seconds.push_back(record.exposed_seconds);
  if (watched_.exposed_seconds.size() < kWatchedSteps) return std::nullopt;
  if (phase_ == Phase::kWatchOther) return settle();
  return try_other(record.step);
}

void BucketChoice::restart(std::uint64_t step) {
  if (!is_open_) return;
  plan_buckets(run_, bucket::kFirstBucketBytes);
  watch_from(step + 1, Phase::kWatchFirst);
}

void BucketChoice::watch_from(std::uint64_t step, Phase phase) {
  phase_ = phase;
  next_step_ = step + kSettlingSteps;
  watched_ = {};
}

BucketChoice::Medians BucketChoice::agree_on_medians() const {
  const Medians mine{.exchange_seconds = median(watched_.exchange_seconds),
                     .exposed_seconds = median(watched_.exposed_seconds)};
  const std::vector<Medians> all = collectives::all_gather_value(run_.comm, mine);
  // The rank that comes last waits for nobody: the least of the times is what the exchange itself takes.
  return {.exchange_seconds = std::ranges::min(all, {}, &Medians::exchange_seconds).exchange_seconds,
          .exposed_seconds = std::ranges::max(all, {}, &Medians::exposed_seconds).exposed_seconds};
}

std::optional<std::string> BucketChoice::try_other(std::uint64_t step) {
  const Medians medians = agree_on_medians();
  const tensor::ParameterTable& table = run_.model->parameters();
  first_exposed_seconds_ = medians.exposed_seconds;
  first_buckets_ = run_.buckets.size();
  const std::size_t count = bucket::best_bucket_count(medians.exchange_seconds, first_buckets_,
                                                      measure_message_seconds(run_.comm), table.size());
  const std::size_t bucket_bytes = (table.elements() * sizeof(float) + count - 1) / count;
  const std::vector<bucket::GradientBucket> others = bucket::plan_buckets(table, bucket_bytes);
  if (others.size() == first_buckets_ || !run_.exchange->why_too_long(others).empty()) {
    phase_ = Phase::kSettled;
    return sentence(run_, first_exposed_seconds_);
  }
  plan_buckets(run_, bucket_bytes);
  watch_from(step + 1, Phase::kWatchOther);
  return std::nullopt;
}

std::string BucketChoice::settle() {
  const double exposed_seconds = agree_on_medians().exposed_seconds;
  const std::size_t buckets = run_.buckets.size();
  phase_ = Phase::kSettled;
  if (exposed_seconds < first_exposed_seconds_) {
    return sentence(run_, exposed_seconds, first_buckets_, first_exposed_seconds_);
  }
  plan_buckets(run_, bucket::kFirstBucketBytes);
  return sentence(run_, first_exposed_seconds_, buckets, exposed_seconds);
}

}  // namespace sterna
