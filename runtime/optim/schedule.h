// Learning rate as a function of the step.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sterna::optim {

struct ScheduleOptions {
  double learning_rate = 0.1;      // the peak, > 0
  std::uint64_t warmup_steps = 0;  // <= total_steps; step s of them has (s + 1) / warmup_steps of the peak
  std::uint64_t total_steps = 1;   // >= 1
};

class Schedule {
 public:
  // name  constant: the peak throughout
  //       step: the peak, divided by 10 at 1/3, 2/3 and 8/9 of total_steps
  //             (He et al., CVPR 2016: epochs 30, 60 and 80 of 90)
  //       cosine: half a cosine from the peak to 0 over the steps after the warm-up
  //       linear: a straight line from the peak to 0 over the steps after the warm-up
  // Throws ConfigError if there is no such schedule or a setting is out of range.
  Schedule(std::string_view name, const ScheduleOptions& options);

  // Rate of step `step`, counted from 0. Cosine and linear reach 0 at total_steps, the step after the last.
  [[nodiscard]] float learning_rate(std::uint64_t step) const;

  [[nodiscard]] static std::span<const std::string_view> names();

 private:
  enum class Kind { kConstant, kStep, kCosine, kLinear } kind_;
  ScheduleOptions options_;
};

}  // namespace sterna::optim
