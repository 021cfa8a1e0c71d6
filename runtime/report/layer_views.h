// What each layer of a run sends, and how its gradient and its residue go on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/report/document.h"
#include "runtime/report/run_log.h"

namespace sterna::report {

// The layers that a chart has room for: those with most elements that have a number under one of `keys`, in
// the model's order.
[[nodiscard]] std::vector<const LayerLog*> drawn_layers(const std::vector<LayerLog>& layers,
                                                        const std::vector<std::string>& keys);

// ", the 7 largest of 20 layers", or "" where all are drawn.
[[nodiscard]] std::string drawn_text(std::size_t drawn, std::size_t all);

// A panel of gradients beside one of residues, a line a layer, over a logarithmic axis.
struct GradientsAndResidues {
  std::string title;
  std::string y_label;
  std::string gradient_key;
  std::string residue_key;
  std::string caption;  // without its full stop
};
void add_gradients_and_residues(const std::vector<LayerLog>& layers, const GradientsAndResidues& what,
                                std::size_t most_points, std::vector<Block>& blocks);

// A table of all layers; bars of their bytes; elements sent in a bin; and, where there are no diagnostics,
// norms of gradients and residues. From layers.jsonl; without it what run.json and steps.jsonl tell.
void add_layer_views(const RunLog& run, std::size_t most_points, std::vector<Block>& blocks);

}  // namespace sterna::report
