// What --log-diagnostics tells of a run: how alike the learners' residues are, and what that does to what is
// sent.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

// A number of diagnostics.jsonl as charts have it, from 0 on.
struct DiagnosticMeasure {
  const char* key;
  const char* title;
  const char* y_label;
  const char* caption;  // without its full stop
};

inline constexpr DiagnosticMeasure kCosineDistance{
    .key = "cosine_distance",
    .title = "Cosine distance between learners' residues",
    .y_label = "1 - cosine, mean over pairs",
    .caption = "0: all learners hold back the same; 1: their residues have nothing in common"};
inline constexpr DiagnosticMeasure kHammingDistance{
    .key = "hamming_distance",
    .title = "Hamming distance of what is sent to the top k of the mean",
    .y_label = "part of k that differs",
    .caption = "0: the indices sent are those that a look at all learners would choose; 1: none of them is"};

void add_diagnostic_views(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks);

}  // namespace sterna::report
