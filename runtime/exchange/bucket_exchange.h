// All buckets of a step, exchanged in their order: after backward, or each as soon as its gradients are
// final, on a thread of its own, while backward goes on.
//
// The order is the same on every rank and in both cases, and so are the bits. The thread sleeps between
// steps: then another may use the communicator.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "runtime/core/spans.h"
#include "runtime/exchange/exchange.h"

namespace sterna::exchange {

class BucketExchange {
 public:
  // Communicator, exchange and buckets must outlive it.
  //   buckets       every parameter is in one of them
  //   is_overlapped  takes a thread, which the communicator must allow
  //   spans          of whichever thread exchanges, the own one or that of finish(); or null
  BucketExchange(collectives::Communicator& comm, GradientExchange& exchange,
                 std::span<const bucket::GradientBucket> buckets, bool is_overlapped,
                 SpanLog* spans = nullptr);

  // Forgets the buckets that are not under way. Waits for the one that is; if an exception is on its way, the
  // communicator is abandoned instead.
  ~BucketExchange();

  BucketExchange(const BucketExchange&) = delete;
  BucketExchange& operator=(const BucketExchange&) = delete;

  // Begins a step: no gradient is final yet. The memory must last until finish() has returned, or, where it
  // is never called, until this is destroyed.
  void begin(std::uint64_t step, std::span<const AlignedVector<float>> gradients, std::span<float> mean);

  // This parameter's gradient is final in the arena of every local learner, and may be read from now on.
  void tell_ready(std::size_t parameter);

  // Returns when every bucket of the step is exchanged; all gradients are final. Throws what
  // GradientExchange::reduce_to_mean threw.
  [[nodiscard]] ExchangeRecord finish();

 private:
  void run();
  [[nodiscard]] bool has_work() const;  // the next bucket, or the end; under mutex_
  void exchange_next(std::unique_lock<std::mutex>& lock);

  collectives::Communicator& comm_;
  GradientExchange& exchange_;
  std::span<const bucket::GradientBucket> buckets_;
  std::vector<std::size_t> bucket_of_;  // by parameter
  SpanLog* spans_;

  std::mutex mutex_;
  std::condition_variable has_changed_;
  std::vector<std::size_t> missing_;  // by bucket: parameters whose gradient is not final
  std::size_t next_;                  // bucket to be exchanged; their number between steps
  bool is_over_ = false;
  std::exception_ptr failure_;
  ExchangeRecord record_;

  std::uint64_t step_ = 0;
  std::span<const AlignedVector<float>> gradients_;
  std::span<float> mean_;
  std::thread thread_;  // last: it uses all of the above. Not there where nothing is overlapped
};

}  // namespace sterna::exchange
