#include "runtime/tensor/blas/fully_connected_products.h"

#include <cblas.h>

#include "runtime/core/errors.h"
#include "runtime/tensor/elementwise.h"

namespace sterna::tensor {
namespace {

struct Matrix {
  const float* data;
  std::size_t columns;  // as it lies in memory
  bool is_transposed = false;
};

// c [rows, columns] = a * b, all row-major; `inner` is the extent that is summed over.
void multiply(const Matrix& a, const Matrix& b, std::size_t rows, std::size_t columns, std::size_t inner,
              float* c) {
  const auto turned = [](const Matrix& matrix) { return matrix.is_transposed ? CblasTrans : CblasNoTrans; };
  const auto blas = [](std::size_t extent) { return static_cast<blasint>(extent); };
  cblas_sgemm(CblasRowMajor, turned(a), turned(b), blas(rows), blas(columns), blas(inner), 1.0f, a.data,
              blas(a.columns), b.data, blas(b.columns), 0.0f, c, blas(columns));
}

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
    multiply({input.data, inputs_}, {weights.data(), inputs_, /*is_transposed=*/true}, rows_, outputs_,
             inputs_, output.data);
    if (!bias.empty()) add_to_rows(bias, output.storage());
    if (has_relu_) relu(output.storage(), output.storage());
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    STERNA_CHECK(weights.size() == (outputs_ * inputs_));
    multiply({output_gradient.data, outputs_, /*is_transposed=*/true}, {input.data, inputs_}, outputs_,
             inputs_, rows_, weights.data());
    if (!bias.empty()) sum_rows(output_gradient.storage(), bias);
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    multiply({output_gradient.data, outputs_}, {weights.data(), inputs_}, rows_, inputs_, outputs_,
             input_gradient.data);
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
