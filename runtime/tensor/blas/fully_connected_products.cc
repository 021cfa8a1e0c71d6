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
  explicit FullyConnectedProducts(const FullyConnectedShape& shape)
      : shape_(shape), output_form_{.shape = {shape.samples, shape.outputs}, .blocks = nullptr} {}

  const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, std::span<const float> weights, std::span<const float> bias,
               Tensor output) override {
    STERNA_CHECK(weights.size() == (shape_.outputs * shape_.inputs));
    multiply({input.data, shape_.inputs}, {weights.data(), shape_.inputs, /*is_transposed=*/true},
             shape_.samples, shape_.outputs, shape_.inputs, output.data);
    if (!bias.empty()) add_to_rows(bias, output.storage());
    if (shape_.has_relu) relu(output.storage(), output.storage());
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    STERNA_CHECK(weights.size() == (shape_.outputs * shape_.inputs));
    multiply({output_gradient.data, shape_.outputs, /*is_transposed=*/true}, {input.data, shape_.inputs},
             shape_.outputs, shape_.inputs, shape_.samples, weights.data());
    if (!bias.empty()) sum_rows(output_gradient.storage(), bias);
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    multiply({output_gradient.data, shape_.outputs}, {weights.data(), shape_.inputs}, shape_.samples,
             shape_.inputs, shape_.outputs, input_gradient.data);
  }

 private:
  FullyConnectedShape shape_;
  TensorForm output_form_;
};

}  // namespace

std::unique_ptr<Products> make_fully_connected_products(const FullyConnectedShape& shape) {
  return std::make_unique<FullyConnectedProducts>(shape);
}

}  // namespace sterna::tensor
