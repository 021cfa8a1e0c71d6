// Adam with L2 weight decay wd. For each element, in float32, at step t = 1, 2, ...:
//
//   g' = g + wd w
//   m = b1 m + (1 - b1) g'      m = v = 0 before the first step
//   v = b2 v + (1 - b2) g'^2
//   w = w - (lr / (1 - b1^t)) (m / (sqrt(v) / sqrt(1 - b2^t) + epsilon))
//
// Factors without an element in them are computed in double precision and rounded once.
// Source: Kingma and Ba, ICLR 2015 (arXiv:1412.6980), Algorithm 1; epsilon as in torch.optim.Adam.
#include <cstddef>
#include <memory>
#include <span>

#include "runtime/core/errors.h"
#include "runtime/optim/adam_moments.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/parallel.h"

namespace sterna::optim {

std::unique_ptr<Optimizer> make_adam(std::size_t elements, const OptimizerOptions& options);

namespace {

class Adam final : public Optimizer {
 public:
  Adam(std::size_t elements, const OptimizerOptions& options)
      : weight_decay_(options.weight_decay), moments_(elements, options) {}

  void apply(std::span<const float> gradient, float learning_rate, std::span<float> parameters) override {
    const std::size_t elements = moments_.elements();
    STERNA_CHECK(gradient.size() == elements);
    STERNA_CHECK(parameters.size() == elements);
    const AdamScalars scalars = moments_.next_step(learning_rate);
    const float weight_decay = weight_decay_;
    const float* g = gradient.data();
    float* w = parameters.data();
    float* m = moments_.state()[0].data();
    float* v = moments_.state()[1].data();
#pragma omp parallel for simd schedule(static) if (elements >= kParallelElements)
    for (std::size_t i = 0; i < elements; ++i) {
      w[i] -= adam_move(scalars, g[i] + weight_decay * w[i], m[i], v[i]);
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

std::unique_ptr<Optimizer> make_adam(std::size_t elements, const OptimizerOptions& options) {
  return std::make_unique<Adam>(elements, options);
}

}  // namespace sterna::optim
