#include "runtime/tensor/fully_connected_products.h"

#include "runtime/core/errors.h"
#include "runtime/tensor/elementwise.h"
#include "runtime/tensor/matrix_product.h"

namespace sterna::tensor {
namespace {

// oneDNN is mostly the faster library for outputs, and for the other two products on either side of so many
// rows. One thread of a Zen 3 (AVX2), GFLOP/s of OpenBLAS 0.3.21 and oneDNN 2.6, beside other load, which
// moves single figures by a third; what the choice rests on are the large differences:
//
//   rows, inputs -> outputs   output   weight gradient   input gradient
//   64, 1024 -> 512           39 41    53 66             51 56
//   128, 1024 -> 1024         64 66    65 73             66 61
//   128, 1024 -> 5999         54 61    67 83             78 71
//   1024, 256 -> 1024         85 88    75 35             72 71
//   1024, 1024 -> 256         71 68    87 74             72 79
//   1024, 256 -> 65           67 71    65 73             63 77
constexpr std::size_t kFewRows = 256;

class FullyConnectedProducts final : public Products {
 public:
  FullyConnectedProducts(const TensorForm& input, const FullyConnectedShape& shape)
      : rows_(elements_of(input.shape) / input.shape.back()),
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
    multiply_by_onednn({.rows = rows_, .columns = outputs_, .inner = inputs_}, {input.data, inputs_},
                       {weights.data(), inputs_, /*is_transposed=*/true}, output.data);
    if (!bias.empty()) add_to_rows(bias, output.storage());
    if (has_relu_) relu(output.storage(), output.storage());
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    STERNA_CHECK(weights.size() == (outputs_ * inputs_));
    const auto multiply = rows_ <= kFewRows ? multiply_by_onednn : multiply_by_blas;
    multiply({.rows = outputs_, .columns = inputs_, .inner = rows_},
             {output_gradient.data, outputs_, /*is_transposed=*/true}, {input.data, inputs_}, weights.data());
    if (!bias.empty()) sum_rows(output_gradient.storage(), bias);
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    const auto multiply = rows_ <= kFewRows ? multiply_by_blas : multiply_by_onednn;
    multiply({.rows = rows_, .columns = inputs_, .inner = outputs_}, {output_gradient.data, outputs_},
             {weights.data(), inputs_}, input_gradient.data);
  }

 private:
  std::size_t rows_;
  std::size_t inputs_;
  std::size_t outputs_;
  bool has_relu_;
  TensorForm output_form_;
};

}  // namespace

std::unique_ptr<Products> make_fully_connected_products(const TensorForm& input,
                                                        const FullyConnectedShape& shape) {
  return std::make_unique<FullyConnectedProducts>(input, shape);
}

}  // namespace sterna::tensor
