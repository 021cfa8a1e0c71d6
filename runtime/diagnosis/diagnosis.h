// What a compressor made of one layer at one step, as a line of diagnostics.jsonl. README.md says what each
// key means, and how to read it.
#pragma once

#include "runtime/diagnosis/layer_step.h"
#include "runtime/record/records.h"

namespace sterna::diagnosis {

// The percents of residue_quantiles and mean_residue_quantiles.
inline constexpr double kQuantilePercents[] = {1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9};

// Fills in all keys but the layer's name and kind. The compressor chooses elements (sent_elements.h), and
// spans are of equal length. Some tens of passes over the L residues and gradients.
[[nodiscard]] record::DiagnosticsRecord diagnose(const LayerStep& step);

}  // namespace sterna::diagnosis
