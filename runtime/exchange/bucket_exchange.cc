#include "runtime/exchange/bucket_exchange.h"

#include <algorithm>
#include <utility>

#include "runtime/core/errors.h"
#include "runtime/core/scheduling.h"

namespace sterna::exchange {
namespace {

std::vector<std::size_t> buckets_by_parameter(std::span<const bucket::GradientBucket> buckets) {
  std::size_t parameters = 0;
  for (const bucket::GradientBucket& bucket : buckets) parameters += bucket.parameters.size();
  std::vector<std::size_t> bucket_of(parameters, buckets.size());
  for (const bucket::GradientBucket& bucket : buckets) {
    for (std::size_t parameter : bucket.parameters) bucket_of.at(parameter) = bucket.index;
  }
  STERNA_CHECK(std::ranges::count(bucket_of, buckets.size()) == 0);
  return bucket_of;
}

}  // namespace

BucketExchange::BucketExchange(collectives::Communicator& comm, GradientExchange& exchange,
                               std::span<const bucket::GradientBucket> buckets, bool is_overlapped,
                               SpanLog* spans)
    : comm_(comm),
      exchange_(exchange),
      buckets_(buckets),
      bucket_of_(buckets_by_parameter(buckets)),
      spans_(spans),
      missing_(buckets.size(), 0),
      next_(buckets.size()) {
  if (!is_overlapped) return;
  STERNA_CHECK(comm.may_change_threads() == true);
  thread_ = std::thread([this] { run(); });
}

BucketExchange::~BucketExchange() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    is_over_ = true;
  }
  has_changed_.notify_all();
  if (std::uncaught_exceptions() > 0) comm_.abandon();
  thread_.join();
}

void BucketExchange::begin(std::uint64_t step, std::span<const AlignedVector<float>> gradients,
                           std::span<float> mean) {
  const std::scoped_lock lock(mutex_);
  STERNA_CHECK(next_ == buckets_.size());
  step_ = step;
  gradients_ = gradients;
  mean_ = mean;
  record_ = {};
  for (std::size_t i = 0; i < buckets_.size(); ++i) missing_[i] = buckets_[i].parameters.size();
  next_ = 0;
}

void BucketExchange::tell_ready(std::size_t parameter) {
  bool is_complete = false;
  {
    const std::scoped_lock lock(mutex_);
    std::size_t& missing = missing_[bucket_of_.at(parameter)];
    STERNA_CHECK(missing > 0u);
    --missing;
    is_complete = missing == 0;
  }
  if (is_complete) has_changed_.notify_all();
}

ExchangeRecord BucketExchange::finish() {
  const Stopwatch waiting;
  std::unique_lock lock(mutex_);
  for (std::size_t missing : missing_) STERNA_CHECK(missing == 0u);
  if (thread_.joinable()) {
    has_changed_.wait(lock, [this] { return next_ == buckets_.size(); });
  } else {
    while (next_ < buckets_.size()) exchange_next(lock);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  ExchangeRecord record = std::exchange(record_, {});
  record.exposed_seconds = record.exchange_seconds_within(waiting.interval());
  return record;
}

void BucketExchange::run() {
  ask_for_short_slices();
  std::unique_lock lock(mutex_);
  while (true) {
    has_changed_.wait(lock, [this] { return has_work(); });
    if (is_over_) return;
    exchange_next(lock);
  }
}

bool BucketExchange::has_work() const {
  return is_over_ || (next_ < buckets_.size() && missing_[next_] == 0);
}

void BucketExchange::exchange_next(std::unique_lock<std::mutex>& lock) {
  const bucket::GradientBucket& bucket = buckets_[next_];
  lock.unlock();
  ExchangeRecord record;
  std::exception_ptr failure;
  try {
    record = exchange_.reduce_to_mean(bucket, step_, gradients_, mean_, spans_);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  record_ += record;
  failure_ = failure;
  next_ = failure ? buckets_.size() : next_ + 1;  // after a failure the step is over
  if (next_ == buckets_.size()) has_changed_.notify_all();
}

}  // namespace sterna::exchange
