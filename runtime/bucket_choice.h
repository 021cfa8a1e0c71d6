// How many buckets a step's gradient is cut into, chosen from what the first steps took.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/record/records.h"
#include "runtime/run.h"

namespace sterna {

// Works where --bucket-bytes is left open and the exchange overlaps backward; elsewhere it does nothing.
// Which parameters share a bucket changes no bit of a result.
class BucketChoice {
 public:
  explicit BucketChoice(Run& run);

  // After each step. Collective. When enough steps were seen, cuts the gradient anew and returns what was
  // chosen and why, one line. Begins again with the step at which compression begins.
  std::optional<std::string> after_step(const record::StepRecord& record);

 private:
  [[nodiscard]] std::string choose();

  Run& run_;
  std::uint64_t next_step_ = 0;           // the first that is watched
  std::vector<double> exchange_seconds_;  // of the steps watched so far
  bool is_open_;
};

}  // namespace sterna
