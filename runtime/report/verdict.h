// What became of a claim, in words for readers who know neither the experiment nor its statistics.
#pragma once

#include "runtime/report/document.h"
#include "runtime/report/experiment.h"

namespace sterna::report {

[[nodiscard]] Outcome outcome_of(const Comparison& comparison);

// "held", "did not hold", "not settled", "not finished", "nothing expected".
[[nodiscard]] std::string outcome_text(Outcome outcome);

[[nodiscard]] Verdict verdict_of(const Experiment& experiment, const Comparison& comparison);

// "test accuracy" for test_accuracy.
[[nodiscard]] std::string measure_text(const std::string& measure);

// How to read the verdicts.
[[nodiscard]] Paragraph how_to_read();

}  // namespace sterna::report
