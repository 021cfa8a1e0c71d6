// How many buckets a step's gradient is cut into, chosen from what the first steps took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/record/records.h"
#include "runtime/run.h"

namespace sterna {

// Works where --bucket-bytes is left open and the exchange overlaps backward; elsewhere it does nothing.
// Which parameters share a bucket changes no bit of a result.
//
// First it watches steps in the buckets that the run began with, and works out a better number; then it tries
// that, and stays with it if it leaves less exposed: what a message costs while cores are busy is not known
// before.
class BucketChoice {
 public:
  explicit BucketChoice(Run& run);

  // After each step. Collective. Cuts the gradient anew when enough steps were seen; returns what was chosen
  // and why, one line, when that is settled. Begins again with the step at which compression begins.
  std::optional<std::string> after_step(const record::StepRecord& record);

  // Begins again behind this step, from which on gradients travel in another way.
  void restart(std::uint64_t step);

 private:
  struct Watched {
    std::vector<double> exchange_seconds;
    std::vector<double> exposed_seconds;
  };
  // Medians over the watched steps; of all ranks, the least exchange and the most exposed.
  struct Medians {
    double exchange_seconds = 0.0;
    double exposed_seconds = 0.0;
  };
  enum class Phase { kWatchFirst, kWatchOther, kSettled };

  void watch_from(std::uint64_t step, Phase phase);
  [[nodiscard]] Medians agree_on_medians() const;
  std::optional<std::string> try_other(std::uint64_t step);
  [[nodiscard]] std::string settle();

  Run& run_;
  bool is_open_;  // whether there is anything to choose
  Phase phase_ = Phase::kSettled;
  std::uint64_t next_step_ = 0;  // the first that is watched
  Watched watched_;
  std::size_t first_buckets_ = 0;  // number of those that the run began with
  double first_exposed_seconds_ = 0.0;
};

}  // namespace sterna
