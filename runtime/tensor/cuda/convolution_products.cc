#include <algorithm>
#include <optional>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/convolution_algorithms.h"
#include "runtime/tensor/cuda/makers.h"

namespace sterna::tensor::cuda {
namespace {

constexpr float kOne = 1.0f;
constexpr float kZero = 0.0f;

class ConvolutionProducts final : public Products {
 public:
  ConvolutionProducts(const TensorForm& input, const ConvolutionShape& shape, Arena& arena,
                      DeviceStream& stream)
      : stream_(stream),
        arena_(arena),
        description_(input.shape, shape),
        output_form_{.shape = description_.output_shape(), .blocks = nullptr},
        positions_(output_form_.shape[2] * output_form_.shape[3]),
        has_relu_(shape.has_relu),
        forward_(choose_forward(handle(), description_)),
        weight_gradient_(choose_weight_gradient(handle(), description_)) {
    STERNA_CHECK(input.is_plain() == true);
    arena.reserve_scratch(std::max(forward_.workspace_bytes, weight_gradient_.workspace_bytes));
    if (shape.has_bias) plane_sums_ = arena.reserve(output_form_.shape[0] * shape.outputs);
    if (!shape.needs_input_gradient) return;
    input_gradient_ = choose_input_gradient(handle(), description_);
    arena.reserve_scratch(input_gradient_->workspace_bytes);
  }

  const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, std::span<const float> weights, std::span<const float> bias,
               Tensor output) override {
    check_cudnn(cudnn_api().convolution_forward(
                    handle(), &kOne, description_.input(), input.data, description_.weights(), weights.data(),
                    description_.convolution(), forward_.algorithm, arena_.scratch(),
                    forward_.workspace_bytes, &kZero, description_.output(), output.data),
                "cudnnConvolutionForward");
    if (!bias.empty()) {
      enqueue_bias(stream_.launch(), {.inner = positions_, .has_relu = has_relu_}, bias, output.storage());
    } else if (has_relu_) {
      enqueue_relu(stream_.launch(), output.storage(), output.storage());
    }
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    check_cudnn(
        cudnn_api().convolution_backward_filter(
            handle(), &kOne, description_.input(), input.data, description_.output(), output_gradient.data,
            description_.convolution(), weight_gradient_.algorithm, arena_.scratch(),
            weight_gradient_.workspace_bytes, &kZero, description_.weights(), weights.data()),
        "cudnnConvolutionBackwardFilter");
    if (bias.empty()) return;
    enqueue_plane_sums(stream_.launch(), output_gradient.storage(), plane_sums_);
    enqueue_row_sums(stream_.launch(), plane_sums_, stream_.partials(), bias);
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    STERNA_CHECK(input_gradient_.has_value() == true);
    check_cudnn(cudnn_api().convolution_backward_data(handle(), &kOne, description_.weights(), weights.data(),
                                                      description_.output(), output_gradient.data,
                                                      description_.convolution(), input_gradient_->algorithm,
                                                      arena_.scratch(), input_gradient_->workspace_bytes,
                                                      &kZero, description_.input(), input_gradient.data),
                "cudnnConvolutionBackwardData");
  }

 private:
  [[nodiscard]] cudnnHandle_t handle() const { return stream_.libraries().cudnn(); }

  DeviceStream& stream_;
  Arena& arena_;
  ConvolutionDescription description_;
  TensorForm output_form_;
  std::size_t positions_;  // of the output
  bool has_relu_;
  Chosen<cudnnConvolutionFwdAlgo_t> forward_;
  Chosen<cudnnConvolutionBwdFilterAlgo_t> weight_gradient_;
  std::optional<Chosen<cudnnConvolutionBwdDataAlgo_t>> input_gradient_;
  std::span<float> plane_sums_;  // [B, out], of the bias's gradient
};

}  // namespace

std::unique_ptr<Products> make_convolution_products(const TensorForm& input, const ConvolutionShape& shape,
                                                    Arena& arena, DeviceStream& stream) {
  return std::make_unique<ConvolutionProducts>(input, shape, arena, stream);
}

}  // namespace sterna::tensor::cuda
