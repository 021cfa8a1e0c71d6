// One parameter tensor as the exchange sees it: its compressor, and what it carried last. Internal to the
// exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/collectives/levels.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/spans.h"
#include "runtime/exchange/exchange.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::exchange {

struct Layer {
  std::size_t parameter = 0;                            // index in the table
  std::unique_ptr<compressors::Compressor> configured;  // what the settings ask for
  std::unique_ptr<compressors::Compressor> dense;       // what travels while compression is off
  std::unique_ptr<compressors::Compressor> float16;
  bool is_compressed = false;  // configured is something else than none
  bool is_on = true;
  Method method = Method::kConfigured;
  bool has_leftover = false;  // residues of `configured`, which is not in use, wait for the next exchange
  LayerTraffic traffic;

  void set_method(Method next);
  [[nodiscard]] const compressors::Compressor& active() const;
};

// Chooses each layer's compressor. Throws ConfigError.
[[nodiscard]] std::vector<Layer> plan_layers(const tensor::ParameterTable& table,
                                             const ExchangeOptions& options);

// What one call of reduce_to_mean works on.
struct BucketStep {
  const tensor::ParameterTable& table;
  std::uint32_t bucket;
  std::uint64_t step;
  std::uint32_t learners;  // L
  std::uint32_t leader;    // of this step
  LocalLearners local;
  bool sum_in_any_order;
  std::span<Layer* const> layers;                   // of the bucket, in its order
  std::span<const AlignedVector<float>> gradients;  // by local learner
  std::span<AlignedVector<float>> residues;         // by local learner; empty arenas if there are none
  std::span<float> mean;                            // arena
  SpanLog* spans;                                   // of the thread that exchanges, or null

  [[nodiscard]] std::span<const float> gradient(std::size_t local_learner, const Layer& layer) const {
    return table.slice(std::span<const float>(gradients[local_learner]), layer.parameter);
  }
  [[nodiscard]] std::span<float> residue(std::size_t local_learner, const Layer& layer) const {
    if (residues[local_learner].empty()) return {};
    return table.slice(std::span<float>(residues[local_learner]), layer.parameter);
  }
  [[nodiscard]] std::span<float> mean_of(const Layer& layer) const {
    return table.slice(mean, layer.parameter);
  }
  [[nodiscard]] compressors::StepKey key(std::size_t local_learner, const Layer& layer) const {
    return {.step = step,
            .learner = local.first + static_cast<std::uint32_t>(local_learner),
            .layer = static_cast<std::uint16_t>(layer.parameter)};
  }

  // Leaves in `selected` the layers that travel by this pattern, in the bucket's order.
  void select(compressors::Exchange pattern, std::vector<Layer*>& selected) const {
    selected.clear();
    for (Layer* layer : layers) {
      if (layer->active().exchange() == pattern) selected.push_back(layer);
    }
  }

  // What the clock has run until now; a span of that name in the timeline.
  Interval ended(const char* name, const Stopwatch& clock) const {
    const Interval interval = clock.interval();
    if (spans != nullptr) spans->add({.name = name, .step = step, .time = interval});
    return interval;
  }
};

// What this rank has sent in a collective: `own`, of which all parts are known, and the rest. On one level
// there is none; on two it is what a speaker passed on, or the lengths that a rank told its speaker.
//   sent_before  the counter of levels.all() when the collective began
[[nodiscard]] WireBytes with_the_rest(const collectives::Levels& levels, WireBytes own,
                                      std::uint64_t sent_before);

// The same of Levels::all_gather_unequal().
//   message  this rank's, one copy of it, with the 8 bytes of its length
[[nodiscard]] WireBytes sent_of_gathered(const collectives::Levels& levels, const WireBytes& message,
                                         std::uint64_t sent_before);

}  // namespace sterna::exchange
