#include "runtime/bucket_choice.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/collectives/collectives.h"
#include "runtime/core/clock.h"
#include "runtime/core/errors.h"

namespace sterna {
namespace {

constexpr std::uint64_t kSettlingSteps = 2;  // buffers grow, connections open
constexpr std::size_t kWatchedSteps = 5;
constexpr std::size_t kMessages = 9;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// What a bucket costs without bytes: every exchange goes to and fro twice, with lengths or indices, then
// values.
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
  return median(seconds);
}

std::string sentence(const Run& run, double message_seconds, double exchange_seconds) {
  std::array<char, 160> text{};
  const double bytes = static_cast<double>(run.model->parameters().elements() * sizeof(float));
  const int written = std::snprintf(
      text.data(), text.size(),
      "buckets: %zu of about %.3g MB of gradient; a message takes %.3g ms, a step's exchange took %.3g ms",
      run.buckets.size(), bytes / static_cast<double>(run.buckets.size()) * 1e-6, message_seconds * 1e3,
      exchange_seconds * 1e3);
  STERNA_CHECK(written > 0);
  return text.data();
}

}  // namespace

BucketChoice::BucketChoice(Run& run)
    : run_(run), next_step_(kSettlingSteps), is_open_(run.config.bucket_bytes == 0 && is_overlapped(run)) {}

std::optional<std::string> BucketChoice::after_step(const record::StepRecord& record) {
  const std::uint64_t compression_begins = run_.config.compress_after_epochs * run_.steps_per_epoch;
  if (record.step == compression_begins) {
    next_step_ = record.step + kSettlingSteps;
    exchange_seconds_.clear();
  }
  if (!is_open_ || record.step < next_step_ || exchange_seconds_.size() == kWatchedSteps) return std::nullopt;
  exchange_seconds_.push_back(record.exchange_seconds);
  if (exchange_seconds_.size() < kWatchedSteps) return std::nullopt;
  return choose();
}

std::string BucketChoice::choose() {
  // The rank that comes last waits for nobody: the least of the ranks' times is what the exchange itself
  // takes.
  struct Measured {
    double message_seconds;
    double exchange_seconds;
  };
  const Measured mine{.message_seconds = measure_message_seconds(run_.comm),
                      .exchange_seconds = median(exchange_seconds_)};
  std::vector<Measured> all(static_cast<std::size_t>(run_.comm.ranks()));
  collectives::all_gather(run_.comm, std::as_bytes(std::span(&mine, 1)),
                          std::as_writable_bytes(std::span(all)));
  const double message_seconds = std::ranges::min(all, {}, &Measured::message_seconds).message_seconds;
  const double exchange_seconds = std::ranges::min(all, {}, &Measured::exchange_seconds).exchange_seconds;

  const tensor::ParameterTable& table = run_.model->parameters();
  const std::size_t count =
      bucket::best_bucket_count(exchange_seconds, run_.buckets.size(), message_seconds, table.size());
  plan_buckets(run_, (table.elements() * sizeof(float) + count - 1) / count);
  return sentence(run_, message_seconds, exchange_seconds);
}

}  // namespace sterna
