// One layer of one step, all learners side by side: what a diagnosis looks at.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compressors/compressor.h"

namespace sterna::diagnosis {

// n elements, L learners.
struct LayerStep {
  const compressors::Compressor& compressor;      // that the layer travelled through
  compressors::StepKey key{};                     // its learner does not count: each has its own
  std::uint32_t leader = 0;                       // of this step, where a leader chooses
  std::vector<std::span<const float>> residues;   // [L][n] m, before the step
  std::vector<std::span<const float>> gradients;  // [L][n] g
  std::span<const float> mean_sent;               // [n] what the exchange made of all payloads

  [[nodiscard]] std::size_t learners() const { return gradients.size(); }
  [[nodiscard]] std::size_t elements() const { return mean_sent.size(); }
};

}  // namespace sterna::diagnosis
