#include <algorithm>
#include <limits>
#include <numeric>

#include "runtime/core/errors.h"
#include "runtime/data/loader.h"
#include "runtime/data/permutation.h"

namespace sterna::data {
namespace {

constexpr std::uint64_t kNoEpoch = std::numeric_limits<std::uint64_t>::max();

// Returns 0 where one step of all learners takes more samples than there are.
std::uint64_t epoch_steps(std::size_t samples, std::size_t batch_samples, std::uint32_t learners) {
  if (batch_samples == 0 || learners == 0) return 0;
  return samples / learners / batch_samples;  // floor(samples / (L B)), but L B cannot overflow
}

}  // namespace

Shards::Shards(std::size_t samples, std::size_t batch_samples, std::uint32_t learners, std::uint64_t seed)
    : samples_(samples),
      batch_samples_(batch_samples),
      learners_(learners),
      seed_(seed),
      steps_per_epoch_(epoch_steps(samples, batch_samples, learners)),
      epoch_(kNoEpoch) {
  if (steps_per_epoch_ == 0) {
    throw ConfigError(cat("[data] batch = ", batch_samples, ", learners = ", learners,
                          ": both must be positive, and their product at most the ", samples,
                          " training samples; lower one of them"));
  }
  STERNA_CHECK(samples <= std::numeric_limits<std::uint32_t>::max());
}

Shards::Shards(std::span<const std::int32_t> labels, std::size_t batch_samples, std::uint32_t learners,
               std::uint64_t seed)
    : Shards(labels.size(), batch_samples, learners, seed) {
  std::vector<std::uint32_t> by_label(samples_);
  std::iota(by_label.begin(), by_label.end(), 0u);
  std::ranges::stable_sort(by_label, {}, [&](std::uint32_t number) { return labels[number]; });
  owner_.resize(samples_);
  part_first_.assign(learners_, samples_);
  for (std::size_t place = samples_; place-- > 0;) {
    const std::uint64_t owner = std::uint64_t{place} * learners_ / samples_;
    owner_[by_label[place]] = static_cast<std::uint32_t>(owner);
    part_first_[owner] = place;
  }
}

std::span<const std::uint32_t> Shards::batch(std::uint64_t step, std::uint32_t learner) {
  STERNA_CHECK(learner < learners_);
  if (const std::uint64_t epoch = step / steps_per_epoch_; epoch != epoch_) begin_epoch(epoch);
  const std::uint64_t in_epoch = step % steps_per_epoch_;
  const std::uint64_t first = owner_.empty() ? (in_epoch * learners_ + learner) * batch_samples_
                                             : part_first_[learner] + in_epoch * batch_samples_;
  return std::span(permutation_).subspan(first, batch_samples_);
}

void Shards::begin_epoch(std::uint64_t epoch) {
  STERNA_CHECK(epoch <= std::numeric_limits<std::uint32_t>::max());
  const RandomKey key{.seed = seed_, .use = RandomUse::kShuffle, .step = static_cast<std::uint32_t>(epoch)};
  permutation_ = random_permutation(key, static_cast<std::uint32_t>(samples_));
  epoch_ = epoch;
  if (owner_.empty()) return;
  std::vector<std::uint32_t> by_learner(samples_);
  std::vector<std::size_t> next = part_first_;
  for (std::uint32_t number : permutation_) by_learner[next[owner_[number]]++] = number;
  permutation_.swap(by_learner);
}

}  // namespace sterna::data
