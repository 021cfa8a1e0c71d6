#include "runtime/tensor/recurrent/repeated_products.h"

#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/core/processor.h"
#include "runtime/tensor/elementwise.h"
#include "runtime/tensor/fully_connected_products.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/kernels/panel.h"

namespace sterna::tensor {
namespace {

using kernels::kPanelColumns;

// Below this many multiplications, waking threads costs more than they save.
constexpr std::size_t kMultiplicationsWorthThreads = std::size_t{1} << 18;

// A matrix [inner, columns] in panels; see kernels/panel.h.
struct Packed {
  Packed(std::size_t rows, std::size_t cols)
      : inner(rows), columns(cols), form{.shape = {panels(), inner, kPanelColumns}, .blocks = nullptr} {}

  [[nodiscard]] std::size_t panels() const { return (columns + kPanelColumns - 1) / kPanelColumns; }
  [[nodiscard]] std::size_t columns_of(std::size_t panel) const {
    return std::min(columns - panel * kPanelColumns, kPanelColumns);
  }

  std::size_t inner;
  std::size_t columns;
  TensorForm form;
};

// Where element (k, column) of the matrix lies in the weights.
struct Strides {
  std::size_t of_inner;
  std::size_t of_column;
};

void pack(const Packed& matrix, const Strides& strides, const float* weights, float* packed) {
#pragma omp parallel for if (matrix.inner * matrix.columns > kMultiplicationsWorthThreads)
  for (std::size_t panel = 0; panel < matrix.panels(); ++panel) {
    const std::size_t columns = matrix.columns_of(panel);
    const float* from = weights + panel * kPanelColumns * strides.of_column;
    float* to = packed + panel * matrix.inner * kPanelColumns;
    for (std::size_t k = 0; k < matrix.inner; ++k, to += kPanelColumns) {
      const float* row = from + k * strides.of_inner;
      for (std::size_t c = 0; c < columns; ++c) to[c] = row[c * strides.of_column];
      std::fill(to + columns, to + kPanelColumns, 0.0f);
    }
  }
}

// output [rows, columns] = input [rows, inner] * matrix.
void multiply(std::size_t rows, const Packed& matrix, const float* input, const float* packed,
              float* output) {
#pragma omp parallel for if (rows * matrix.inner * matrix.columns > kMultiplicationsWorthThreads)
  for (std::size_t panel = 0; panel < matrix.panels(); ++panel) {
    kernels::multiply_panel_avx2({.rows = rows,
                                  .inner = matrix.inner,
                                  .columns = matrix.columns_of(panel),
                                  .input = input,
                                  .panel = packed + panel * matrix.inner * kPanelColumns,
                                  .output = output + panel * kPanelColumns,
                                  .output_stride = matrix.columns});
  }
}

class RepeatedProducts final : public Products {
 public:
  RepeatedProducts(const TensorForm& input, std::size_t outputs, Arena& arena)
      : arena_(arena),
        blas_(make_fully_connected_products(input, {.outputs = outputs})),
        rows_(elements_of(input.shape) / input.shape.back()),
        forward_(input.shape.back(), outputs),
        input_gradient_(outputs, input.shape.back()) {}

  const TensorForm& output_form() const override { return blas_->output_form(); }

  void forward(ConstTensor input, std::span<const float> weights, std::span<const float> bias,
               Tensor output) override {
    if (!holds(weights, WeightUse::kForward)) return blas_->forward(input, weights, bias, output);
    multiply(rows_, forward_, input.data, packed_.data, output.data);
    if (!bias.empty()) add_to_rows(bias, output.storage());
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    blas_->weight_gradient(input, output_gradient, weights, bias);
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    if (!holds(weights, WeightUse::kInputGradient)) {
      return blas_->input_gradient(output_gradient, weights, input_gradient);
    }
    multiply(rows_, input_gradient_, output_gradient.data, packed_.data, input_gradient.data);
  }

  void hold_weights(std::span<const float> weights, WeightUse use) override {
    STERNA_CHECK(weights.size() == (forward_.inner * forward_.columns));
    STERNA_CHECK(packed_.data == nullptr);
    const std::size_t inputs = forward_.inner;
    held_ = weights.data();
    use_ = use;
    if (use == WeightUse::kForward) {
      packed_ = arena_.borrow(forward_.form);
      pack(forward_, {.of_inner = 1, .of_column = inputs}, held_, packed_.data);
    } else {
      packed_ = arena_.borrow(input_gradient_.form);
      pack(input_gradient_, {.of_inner = inputs, .of_column = 1}, held_, packed_.data);
    }
  }

  void release_weights() override {
    STERNA_CHECK(packed_.data != nullptr);
    arena_.give_back(packed_);
    packed_ = {};
  }

 private:
  [[nodiscard]] bool holds(std::span<const float> weights, WeightUse use) const {
    return packed_.data != nullptr && weights.data() == held_ && use == use_;
  }

  Arena& arena_;
  std::unique_ptr<Products> blas_;
  std::size_t rows_;
  Packed forward_;         // transposed weights [in, out]
  Packed input_gradient_;  // weights [out, in]
  Tensor packed_;          // data is null while no weights are held
  const float* held_ = nullptr;
  WeightUse use_ = WeightUse::kForward;
};

}  // namespace

std::unique_ptr<Products> make_repeated_products(const TensorForm& input, std::size_t outputs, Arena& arena) {
  if (!has_avx2()) return make_fully_connected_products(input, {.outputs = outputs});
  return std::make_unique<RepeatedProducts>(input, outputs, arena);
}

}  // namespace sterna::tensor
