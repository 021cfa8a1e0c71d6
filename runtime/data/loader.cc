#include "runtime/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "runtime/core/errors.h"

namespace sterna::data {
namespace {

std::vector<std::int32_t> training_labels(const Dataset& dataset) {
  std::vector<std::int32_t> labels(dataset.samples(Split::kTrain));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = dataset.label(static_cast<std::uint32_t>(i));
  if (std::ranges::find(labels, kNoLabel) != labels.end()) {
    throw ConfigError(
        "[data] partition = label: samples of this data set have no label of their own to be dealt out by; "
        "take --partition uniform");
  }
  return labels;
}

Shards make_shards(const Dataset& dataset, const LoaderOptions& options) {
  if (options.partition == Partition::kLabel) {
    return {training_labels(dataset), options.batch_samples, options.learners, options.seed};
  }
  return {dataset.samples(Split::kTrain), options.batch_samples, options.learners, options.seed};
}

// A ring of batches. Batch number i, counted from the loader's start, lies in slot i % slots: the thread
// fills slots in order, next() hands them out in order, and the one handed out last is the caller's until the
// next call.
class ThreadedLoader final : public Loader {
 public:
  ThreadedLoader(const Dataset& dataset, const LoaderOptions& options)
      : dataset_(dataset),
        options_(options),
        shards_(make_shards(dataset, options)),
        steps_per_epoch_(shards_.steps_per_epoch()),
        slots_(options.batches_ahead + 1, make_batch(dataset.sample_shape(), options.batch_samples)),
        thread_([this] { run(); }) {}

  ~ThreadedLoader() override {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::uint64_t steps_per_epoch() const override { return steps_per_epoch_; }

  const Batch& next() override {
    std::unique_lock lock(mutex_);
    released_ = taken_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return filled_ > taken_ || error_; });
    if (filled_ == taken_) std::rethrow_exception(error_);
    return slots_[taken_++ % slots_.size()];
  }

 private:
  void run() {
    try {
      for (std::uint64_t number = 0; wait_for_slot(number); ++number) {
        fill(number, slots_[number % slots_.size()]);
        const std::lock_guard lock(mutex_);
        ++filled_;
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      changed_.notify_all();
    }
  }

  // Returns false if the loader is going away.
  [[nodiscard]] bool wait_for_slot(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_stopping_ || number - released_ < slots_.size(); });
    return !is_stopping_;
  }

  void fill(std::uint64_t number, Batch& batch) {
    const std::uint64_t step = options_.first_step + number / options_.local_learners;
    const auto local = static_cast<std::uint32_t>(number % options_.local_learners);
    const auto epoch = static_cast<std::uint32_t>(step / steps_per_epoch_);
    dataset_.read(Split::kTrain, epoch, shards_.batch(step, options_.first_learner + local), batch);
  }

  const Dataset& dataset_;
  const LoaderOptions options_;
  Shards shards_;  // the thread's alone
  const std::uint64_t steps_per_epoch_;
  std::vector<Batch> slots_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::uint64_t filled_ = 0;    // batches ready, counted from the start
  std::uint64_t taken_ = 0;     // batches handed out
  std::uint64_t released_ = 0;  // batches handed out that the caller is done with
  bool is_stopping_ = false;
  std::exception_ptr error_;  // what ended the thread

  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace

std::unique_ptr<Loader> make_loader(const Dataset& dataset, const LoaderOptions& options) {
  STERNA_CHECK(options.local_learners > 0u);
  STERNA_CHECK(options.first_learner < options.learners);
  STERNA_CHECK(options.local_learners <= (options.learners - options.first_learner));
  STERNA_CHECK(options.batches_ahead > 0u);
  return std::make_unique<ThreadedLoader>(dataset, options);
}

void read_padded(const Dataset& dataset, Split split, std::size_t first, std::size_t batch_samples,
                 Batch& batch) {
  const std::size_t samples = dataset.samples(split);
  const std::size_t real = first < samples ? std::min(batch_samples, samples - first) : 0;
  batch = make_batch(dataset.sample_shape(), batch_samples);
  std::vector<std::uint32_t> numbers(real);
  std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
  dataset.read(split, /*epoch=*/0, numbers, batch);
}

}  // namespace sterna::data
