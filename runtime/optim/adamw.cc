// Adam with decoupled weight decay wd. For each element, in float32, at step t = 1, 2, ...:
//
//   m = b1 m + (1 - b1) g       m = v = 0 before the first step
//   v = b2 v + (1 - b2) g^2
//   w = (1 - lr wd) w - (lr / (1 - b1^t)) (m / (sqrt(v) / sqrt(1 - b2^t) + epsilon))
//
// Factors without an element in them are computed in double precision and rounded once.
// Source: Loshchilov and Hutter, ICLR 2019 (arXiv:1711.05101), Algorithm 2; lr is in the decay, as in
// torch.optim.AdamW.
#include <cstddef>
#include <memory>
#include <span>

#include "runtime/core/errors.h"
#include "runtime/optim/adam_moments.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/parallel.h"

namespace sterna::optim {

std::unique_ptr<Optimizer> make_adamw(std::size_t elements, const OptimizerOptions& options);

namespace {

class AdamW final : public Optimizer {
 public:
  AdamW(std::size_t elements, const OptimizerOptions& options)
      : weight_decay_(options.weight_decay), moments_(elements, options) {}

  void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) override {
    const std::size_t elements = moments_.elements();
    STERNA_CHECK(gradient.size() == elements);
    STERNA_CHECK(parameters.size() == elements);
    const AdamScalars scalars = moments_.next_step(learning_rate);
    const double decay = static_cast<double>(learning_rate) * static_cast<double>(weight_decay_);
    const auto kept = static_cast<float>(1.0 - decay);
    const float* g = gradient.data();
    float* w = parameters.data();
    float* m = moments_.state()[0].data();
    float* v = moments_.state()[1].data();
#pragma omp parallel for simd schedule(static) if (elements >= kParallelElements)
    for (std::size_t i = 0; i < elements; ++i) {
      w[i] = kept * w[i] - adam_move(scalars, g[i], m[i], v[i]);
    }
  }

  std::span<AlignedVector<float>> state() override {
    return moments_.state();
  }
  void resume_at(std::uint64_t steps_taken) override {
    moments_.resume_at(steps_taken);
  }

 private:
  float weight_decay_;
  AdamMoments moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(std::size_t elements, const OptimizerOptions& options) {
  return std::make_unique<AdamW>(elements, options);
}

}  // namespace sterna::optim
