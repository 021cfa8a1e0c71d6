// Charts that set variants of a training run side by side, a line each: the mean over a variant's runs, with
// a band from the smallest to the largest.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

using RunList = std::vector<std::reference_wrapper<const RunLog>>;

struct VariantRuns {
  std::string name;
  RunList runs;  // a seed each
};

// A variant's place in a chart of a measure against bytes; NaN where something is not known.
struct FrontMark {
  std::string name;
  double payload_bytes;  // of a learner a step
  double value;
  double low;
  double high;
  bool has_diverged;  // a run of it: a mean of the others says too much, and is on no front
};

// The measure against bytes, with the Pareto front.
//   caption  a sentence that says what values, lows and highs are
void add_front(const std::string& measure, bool is_higher_better, const std::vector<FrontMark>& marks,
               const std::string& caption, std::vector<Block>& blocks);

// Training loss over steps.
void add_loss_curves(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks);

// A column of epochs.jsonl, over epochs where each evaluation completes one more, else over steps.
void add_measure_curves(const std::string& measure, const std::vector<VariantRuns>& variants,
                        std::vector<Block>& blocks);

// Time and bytes of a step, of each variant's first run.
void add_step_costs(const std::vector<VariantRuns>& variants, std::vector<Block>& blocks);

}  // namespace sterna::report
