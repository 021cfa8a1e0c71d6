// What adam and adamw share: the two moments of the gradient, and the scalars of one step.
//
// Scalars are computed in double precision and rounded to float32 once; elements are float32 throughout.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/optim/optimizer.h"

namespace sterna::optim {

// Scalars of step t, counted from 1.
struct AdamScalars {
  float beta1;
  float one_minus_beta1;
  float beta2;
  float one_minus_beta2;
  float rate;        // lr / (1 - beta1^t)
  float correction;  // sqrt(1 - beta2^t)
  float epsilon;
};

// The state of adam and adamw: m, v and how many steps have been taken.
class AdamMoments {
 public:
  AdamMoments(std::size_t elements, const OptimizerOptions& options)
      : options_(options), state_(2, AlignedVector<float>(elements, 0.0f)) {}

  // Counts one step more and returns its scalars.
  [[nodiscard]] AdamScalars next_step(float learning_rate) {
    ++steps_taken_;
    const double beta1 = options_.beta1;
    const double beta2 = options_.beta2;
    const auto t = static_cast<double>(steps_taken_);
    return {.beta1 = options_.beta1,
            .one_minus_beta1 = static_cast<float>(1.0 - beta1),
            .beta2 = options_.beta2,
            .one_minus_beta2 = static_cast<float>(1.0 - beta2),
            .rate = static_cast<float>(static_cast<double>(learning_rate) / (1.0 - std::pow(beta1, t))),
            .correction = static_cast<float>(std::sqrt(1.0 - std::pow(beta2, t))),
            .epsilon = options_.epsilon};
  }

  [[nodiscard]] std::size_t elements() const { return state_[0].size(); }
  [[nodiscard]] std::vector<AlignedVector<float>>& state() { return state_; }  // m, v
  void resume_at(std::uint64_t steps_taken) { steps_taken_ = steps_taken; }

 private:
  OptimizerOptions options_;
  std::vector<AlignedVector<float>> state_;
  std::uint64_t steps_taken_ = 0;
};

// Moves the moments towards gradient g, and returns how far the parameter moves against it.
inline float adam_move(const AdamScalars& scalars, float g, float& m, float& v) {
  m = scalars.beta1 * m + scalars.one_minus_beta1 * g;
  v = scalars.beta2 * v + scalars.one_minus_beta2 * (g * g);
  return scalars.rate * (m / (std::sqrt(v) / scalars.correction + scalars.epsilon));
}

}  // namespace sterna::optim
