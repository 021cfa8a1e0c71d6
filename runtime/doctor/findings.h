// What follows from what all ranks found: one line each, and what to do about it. Functions of their
// arguments alone.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/doctor/links.h"
#include "runtime/doctor/machine.h"

namespace sterna::doctor {

enum class Verdict {
  kOk,
  kWarning,  // training runs, but slower than it could, or other bits may come out
  kProblem,  // training would stop, or compute nonsense
};

[[nodiscard]] std::string_view verdict_name(Verdict verdict);  // "ok", "warning", "problem"

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string subject{};  // program, processors, ranks, cores, ...
  std::string text{};
  std::string advice{};  // empty if all is well
};

// All but what links say.
//   ranks    what each rank found, in rank order; not empty
//   threads  per rank
[[nodiscard]] std::vector<Finding> judge(std::span<const MachineFacts> ranks, int threads);

// A line for each link where there are few, else for the slowest and a summary; and what is amiss.
[[nodiscard]] std::vector<Finding> judge_links(std::span<const MachineFacts> ranks,
                                               std::span<const Link> links);

}  // namespace sterna::doctor
