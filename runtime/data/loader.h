// Hands each learner its batches in a fixed order, prepared ahead by a thread of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/data/dataset.h"

namespace sterna::data {

// Which training samples a learner sees.
enum class Partition {
  kUniform,  // each epoch deals out all samples anew
  kLabel     // those of few labels, and always the same, as where each site has data of its own
};

struct LoaderOptions {
  std::size_t batch_samples = 0;     // B, samples per learner and step
  std::uint32_t learners = 1;        // L
  std::uint32_t first_learner = 0;   // the first that this rank hosts ...
  std::uint32_t local_learners = 1;  // ... and how many
  std::uint64_t seed = 1;
  Partition partition = Partition::kUniform;
  std::uint64_t first_step = 0;
  std::size_t batches_ahead = 4;
};

// Sample numbers of learner `learner`'s batch at optimizer step `step`, counted from 0 over all epochs.
//
// An epoch is floor(samples / (L B)) steps; each epoch has its own permutation of all samples, a function of
// seed and epoch alone, and step s of the epoch gives learner l the B samples from (s L + l) B on. With
// Partition::kLabel the samples, sorted by label and then by number, are cut into L parts of floor(samples /
// L) or one more, and learner l's are from s B on of those in its part, in the order of the epoch's
// permutation. No rank occurs in this.
class Shards {
 public:
  // Partition::kUniform. Throws ConfigError if the data set has fewer than L B training samples.
  Shards(std::size_t samples, std::size_t batch_samples, std::uint32_t learners, std::uint64_t seed);

  // Partition::kLabel, of the samples with these labels, each at least 0. Throws as above.
  Shards(std::span<const std::int32_t> labels, std::size_t batch_samples, std::uint32_t learners,
         std::uint64_t seed);

  [[nodiscard]] std::uint64_t steps_per_epoch() const { return steps_per_epoch_; }

  // Valid until the next call. Cheap within an epoch; the first call of an epoch draws its permutation.
  [[nodiscard]] std::span<const std::uint32_t> batch(std::uint64_t step, std::uint32_t learner);

 private:
  void begin_epoch(std::uint64_t epoch);

  std::size_t samples_;
  std::size_t batch_samples_;
  std::uint32_t learners_;
  std::uint64_t seed_;
  std::uint64_t steps_per_epoch_;
  std::uint64_t epoch_;
  std::vector<std::uint32_t> permutation_;  // with parts: one learner's samples after another's
  std::vector<std::uint32_t> owner_;        // by sample number, the learner; empty: any learner's
  std::vector<std::size_t> part_first_;     // by learner, of its samples in permutation_; empty with owner_
};

class Loader {
 public:
  virtual ~Loader() = default;

  [[nodiscard]] virtual std::uint64_t steps_per_epoch() const = 0;

  // The next batch: learners first_learner, first_learner + 1, ... of one step, then those of the next step.
  // Valid until the next call. Rethrows what the loader's thread threw.
  virtual const Batch& next() = 0;
};

// The data set must outlive the loader. Throws ConfigError if an epoch is not one step long, or samples have
// no label to be dealt out by.
[[nodiscard]] std::unique_ptr<Loader> make_loader(const Dataset& dataset, const LoaderOptions& options);

// Fills `batch` with samples first, first + 1, ... of a split; past its end, labels are kNoLabel and inputs
// or symbols 0. Gives its vectors their length.
void read_padded(const Dataset& dataset, Split split, std::size_t first, std::size_t batch_samples,
                 Batch& batch);

}  // namespace sterna::data
