#include "runtime/tensor/cuda/makers.h"

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/matrix_products.h"

namespace sterna::tensor::cuda {
namespace {

constexpr bool kTransposed = true;

class FullyConnectedProducts final : public Products {
 public:
  FullyConnectedProducts(const TensorForm& input, const FullyConnectedShape& shape, DeviceStream& stream)
      : stream_(stream),
        rows_(elements_of(input.shape) / input.shape.back()),
        inputs_(input.shape.back()),
        outputs_(shape.outputs),
        has_relu_(shape.has_relu),
        output_form_{.shape = input.shape, .blocks = nullptr} {
    STERNA_CHECK(input.is_plain() == true);
    output_form_.shape.back() = outputs_;
  }

  const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, std::span<const float> weights, std::span<const float> bias,
               Tensor output) override {
    STERNA_CHECK(weights.size() == (outputs_ * inputs_));
    multiply(stream_.libraries(), {.rows = rows_, .columns = outputs_, .inner = inputs_},
             {input.data, inputs_}, {weights.data(), inputs_, kTransposed}, {output.data, outputs_});
    if (!bias.empty()) {
      enqueue_bias(stream_.launch(), {.has_relu = has_relu_}, bias, output.storage());
    } else if (has_relu_) {
      enqueue_relu(stream_.launch(), output.storage(), output.storage());
    }
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    STERNA_CHECK(weights.size() == (outputs_ * inputs_));
    multiply(stream_.libraries(), {.rows = outputs_, .columns = inputs_, .inner = rows_},
             {output_gradient.data, outputs_, kTransposed}, {input.data, inputs_}, {weights.data(), inputs_});
    if (!bias.empty()) {
      enqueue_row_sums(stream_.launch(), output_gradient.storage(), stream_.partials(), bias);
    }
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    STERNA_CHECK(weights.size() == (outputs_ * inputs_));
    multiply(stream_.libraries(), {.rows = rows_, .columns = inputs_, .inner = outputs_},
             {output_gradient.data, outputs_}, {weights.data(), inputs_}, {input_gradient.data, inputs_});
  }

 private:
  DeviceStream& stream_;
  std::size_t rows_;
  std::size_t inputs_;
  std::size_t outputs_;
  bool has_relu_;
  TensorForm output_form_;
};

}  // namespace

std::unique_ptr<Products> make_fully_connected_products(const TensorForm& input,
                                                        const FullyConnectedShape& shape,
                                                        DeviceStream& stream) {
  return std::make_unique<FullyConnectedProducts>(input, shape, stream);
}

}  // namespace sterna::tensor::cuda
