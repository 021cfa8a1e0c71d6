// Operations on the host's processor: each hands its arguments on to the loops and libraries beside this
// file.
#include <algorithm>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/tensor/attention.h"
#include "runtime/tensor/average_pooling.h"
#include "runtime/tensor/batch_normalisation.h"
#include "runtime/tensor/elementwise.h"
#include "runtime/tensor/host_cross_entropy.h"
#include "runtime/tensor/libraries.h"
#include "runtime/tensor/max_pooling.h"
#include "runtime/tensor/onednn/convolution_products.h"
#include "runtime/tensor/onednn/reorder.h"
#include "runtime/tensor/operations.h"
#include "runtime/tensor/recurrent/repeated_products.h"

namespace sterna::tensor {
namespace {

class HostKeepMask final : public KeepMask {
 public:
  explicit HostKeepMask(std::size_t elements) : elements_(elements), bits_((elements + 31) / 32) {}

  void draw(const kernels::KeepRule& rule) override {
    scale_ = rule.scale;
    kernels::fastest_kernels().draw_keep_bits(rule, 0, elements_, bits_.data());
  }

  void apply(std::span<const float> input, std::span<float> output) override {
    STERNA_CHECK(input.size() == elements_);
    STERNA_CHECK(output.size() == elements_);
    kernels::fastest_kernels().keep(input.data(), bits_.data(), scale_, elements_, output.data());
  }

 private:
  float scale_ = 1.0f;
  std::size_t elements_;
  std::vector<std::uint32_t> bits_;  // one an element
};

class CpuOperations final : public Operations {
 public:
  std::string libraries() const override { return library_versions(); }

  bool is_in_host_memory() const override { return true; }
  Memory reserve(std::size_t bytes) override {
    const auto bytes_of = std::make_shared<AlignedVector<std::byte>>(bytes);
    return {bytes_of, bytes_of->data()};
  }
  void copy_from_host(std::span<const std::byte> host, std::byte* to) override {
    std::ranges::copy(host, to);
  }
  void copy_to_host(const std::byte* from, std::span<std::byte> host) override {
    std::copy_n(from, host.size(), host.data());
  }
  void wait() override {}

  void zero(std::span<float> values) override { std::ranges::fill(values, 0.0f); }
  void copy(std::span<const float> from, std::span<float> to) override {
    STERNA_CHECK(from.size() == to.size());
    std::ranges::copy(from, to.begin());
  }
  void copy_rows(const RowExtents& extents, ConstRows from, Rows to) override {
    tensor::copy_rows(extents, from, to);
  }
  void swap_axes(const SwappedAxes& axes, const float* from, float* to) override {
    tensor::swap_axes(axes, from, to);
  }
  std::unique_ptr<Reorder> make_reorder(const TensorForm& form) override {
    return tensor::make_reorder(form);
  }

  void relu(std::span<const float> input, std::span<float> output) override { tensor::relu(input, output); }
  void mask_relu_gradient(std::span<const float> output, std::span<float> gradient) override {
    tensor::mask_relu_gradient(output, gradient);
  }
  void add(std::span<const float> a, std::span<const float> b, std::span<float> sum) override {
    tensor::add(a, b, sum);
  }
  void multiply(std::span<const float> by, std::span<float> to) override { tensor::multiply(by, to); }
  void scale(float factor, std::span<float> values) override {
    for (float& value : values) value *= factor;
  }
  void gelu(std::span<const float> bias, std::span<float> rows, std::span<float> output) override {
    STERNA_CHECK(rows.size() == output.size());
    kernels::fastest_kernels().gelu(bias.data(), rows.size() / bias.size(), bias.size(), rows.data(),
                                    output.data());
  }
  std::unique_ptr<KeepMask> make_keep_mask(std::size_t elements) override {
    return std::make_unique<HostKeepMask>(elements);
  }

  void sum_rows(std::span<const float> rows, std::span<float> sums) override { tensor::sum_rows(rows, sums); }
  void scale_and_add_table(float factor, std::span<const float> input, std::span<const float> table,
                           std::span<float> output) override {
    tensor::scale_and_add_table(factor, input, table, output);
  }
  void mean_over_positions(std::size_t positions, ConstTensor input, Tensor output) override {
    tensor::mean_over_positions(positions, input, output);
  }
  void mean_over_positions_backward(std::size_t positions, ConstTensor output_gradient,
                                    Tensor input_gradient) override {
    tensor::mean_over_positions_backward(positions, output_gradient, input_gradient);
  }
  void normalise_rows(const kernels::NormalisedRows& of, std::span<const float> shift, float epsilon,
                      float* output) override {
    kernels::fastest_kernels().normalise(of, shift.data(), epsilon, output);
  }
  void normalise_rows_backward(const kernels::NormalisedRows& of, float* gradient,
                               std::span<float> scale_gradient, std::span<float> shift_gradient) override {
    std::ranges::fill(scale_gradient, 0.0f);
    std::ranges::fill(shift_gradient, 0.0f);
    kernels::fastest_kernels().normalise_backward(of, gradient, scale_gradient.data(), shift_gradient.data());
  }

  void gather_rows(const SymbolWindow& window, std::size_t features, std::span<const float> table,
                   std::span<float> rows) override {
    tensor::gather_rows(window, features, table, rows);
  }
  void scatter_rows(const SymbolWindow& window, std::size_t features, std::span<const float> rows,
                    std::span<float> table) override {
    tensor::scatter_rows(window, features, rows, table);
  }
  void mask_padding(const SymbolWindow& window, std::span<float> mask) override {
    tensor::mask_padding(window, mask);
  }

  std::unique_ptr<Products> make_fully_connected_products(const TensorForm& input,
                                                          const FullyConnectedShape& shape) override {
    return tensor::make_fully_connected_products(input, shape);
  }
  std::unique_ptr<Products> make_convolution_products(const TensorForm& input, const ConvolutionShape& shape,
                                                      Arena& arena) override {
    return tensor::make_convolution_products(input, shape, arena);
  }
  std::unique_ptr<Products> make_repeated_products(const TensorForm& input, std::size_t outputs,
                                                   Arena& arena) override {
    return tensor::make_repeated_products(input, outputs, arena);
  }

  std::unique_ptr<Pooling> make_max_pooling(const TensorForm& input, const PoolingShape& shape) override {
    return std::make_unique<MaxPooling>(input, shape);
  }
  std::unique_ptr<Pooling> make_average_pooling(const TensorForm& input,
                                                const AveragePoolingShape& shape) override {
    return std::make_unique<AveragePooling>(input, shape);
  }
  std::unique_ptr<ChannelNormalisation> make_channel_normalisation(const TensorForm& form, double epsilon,
                                                                   kernels::Clamp clamp) override {
    return std::make_unique<BatchNormalisation>(form, epsilon, clamp);
  }

  std::unique_ptr<DotProductAttention> make_attention(const AttentionShape& shape, Arena& arena) override {
    return std::make_unique<Attention>(shape, arena);
  }
  void lstm_cells_forward(const LstmStep& step, const LstmCellsForward& cells) override {
    tensor::lstm_cells_forward(step, cells);
  }
  void lstm_cells_backward(const LstmStep& step, const LstmCellsBackward& cells) override {
    tensor::lstm_cells_backward(step, cells);
  }

  std::unique_ptr<CrossEntropy> make_cross_entropy(std::size_t rows, std::size_t classes) override {
    return std::make_unique<HostCrossEntropy>(rows, classes);
  }

  void sgd(const SgdFactors& factors, std::span<const float> gradient, std::span<float> velocity,
           std::span<float> parameters) override {
    tensor::sgd(factors, gradient, velocity, parameters);
  }
  void adam(const AdamFactors& factors, std::span<const float> gradient, std::span<float> first,
            std::span<float> second, std::span<float> parameters) override {
    tensor::adam(factors, gradient, first, second, parameters);
  }
};

}  // namespace

Operations& cpu_operations() {
  static CpuOperations operations;
  return operations;
}

}  // namespace sterna::tensor
