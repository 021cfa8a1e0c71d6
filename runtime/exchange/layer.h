// One parameter tensor as the exchange sees it: its compressor, and what it carried last. Internal to the
// exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/collectives/levels.h"
#include "runtime/collectives/ordered_sum.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/core/spans.h"
#include "runtime/exchange/exchange.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna::exchange {

// What a layer's compressor is made of.
struct CompressorPlan {
  std::string name;
  compressors::LayerShape shape;
  compressors::Options settings;
};

struct Layer {
  std::size_t parameter = 0;                            // index in the table
  CompressorPlan plan;                                  // of `configured`
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

// The learner that leads at a step.
[[nodiscard]] std::uint32_t leader_at(std::uint64_t step, const ExchangeOptions& options);

// Leaves in `selected` those of `layers` that travel by this pattern now, in their order.
void select_layers(std::span<Layer* const> layers, compressors::Exchange pattern,
                   std::vector<Layer*>& selected);

// What keys the randomness of one learner's layer.
[[nodiscard]] compressors::StepKey step_key(std::uint64_t step, const LocalLearners& local,
                                            std::size_t local_learner, const Layer& layer);

// What a gradient that is not finite is refused with.
[[nodiscard]] DivergedError not_finite(std::uint64_t step, const std::string& layer, std::uint32_t learner);

// What the sum of so many learners' values takes, and is divided by them where it is complete.
//   format       of the values
//   is_one_each  whether a rank hosts one learner alone, whose values fit their format; a sum of several
//                needs float32 on its way to the owner
//   finish       divides
[[nodiscard]] collectives::OrderedSumOptions mean_options(numerics::ValueFormat format, bool is_one_each,
                                                          bool in_any_order,
                                                          std::function<void(std::span<float>)> finish);

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
    return step_key(step, local, local_learner, layer);
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
