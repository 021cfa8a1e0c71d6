// All that layers, the loss and the optimizers do with the memory of tensors. A device is an implementation
// of this: cpu_operations() here, CUDA in cuda/. It knows no layer and no parameter.
//
// Unless a comment says host, what an operation is handed (spans, tensors, pointers in structs) lies in
// memory of reserve(), and so does what objects that are made here keep. Structs themselves, and numbers, are
// read before a call returns. Operations happen in the order of their calls, as on one stream: a call may
// return before its work is done, and only what says that it waits waits, for all that was called before. One
// thread at a time calls an implementation and the objects that it has made, and these are destroyed before
// it.
//
// What is overwritten may hold anything before. Memory of two arguments does not overlap unless it is said
// that it may. The same call on the same values gives the same bits: sums have a fixed order. Everything is
// float32, and implementations agree with the CPU's up to rounding; where nothing is summed and no function
// other than the square root is evaluated, bit for bit but for a fused multiply-add. What the CPU promises of
// NaNs holds.
//
// Errors: std::bad_alloc or ConfigError where memory is short; CommError where a device fails, also of what
// was called before. Extents that do not fit are our bugs (InternalError).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/tensor/channel_normalisation.h"
#include "runtime/tensor/convolution_shape.h"
#include "runtime/tensor/cross_entropy.h"
#include "runtime/tensor/dot_product_attention.h"
#include "runtime/tensor/fully_connected_products.h"
#include "runtime/tensor/keep_mask.h"
#include "runtime/tensor/kernels/kernels.h"
#include "runtime/tensor/pooling.h"
#include "runtime/tensor/products.h"
#include "runtime/tensor/recurrent/lstm_cell.h"
#include "runtime/tensor/reorder.h"
#include "runtime/tensor/rows.h"
#include "runtime/tensor/symbols.h"
#include "runtime/tensor/tensor.h"
#include "runtime/tensor/updates.h"

namespace sterna::tensor {

class Arena;

// A piece of an implementation's memory; freed with the last copy.
using Memory = std::shared_ptr<std::byte>;

class Operations {
 public:
  virtual ~Operations() = default;

  // The libraries behind it and their versions, "oneDNN 2.6.0, OpenBLAS 0.3.21": bits may differ between
  // them.
  [[nodiscard]] virtual std::string libraries() const = 0;

  // ---- Memory ----

  // Whether memory of reserve() is the host's, which may then read and write it between two calls.
  [[nodiscard]] virtual bool is_in_host_memory() const = 0;

  // A zeroed piece of at least so many bytes (0 is legal), on a border of at least 64 bytes.
  [[nodiscard]] virtual Memory reserve(std::size_t bytes) = 0;

  // Between the host's memory and memory of reserve(); both wait. `from` and `to` do not overlap.
  virtual void copy_from_host(std::span<const std::byte> host, std::byte* to) = 0;
  virtual void copy_to_host(const std::byte* from, std::span<std::byte> host) = 0;

  // The same of elements, both as many.
  template <typename Element>
  void copy_from_host(std::span<const Element> host, std::span<Element> to) {
    copy_from_host(std::as_bytes(host), reinterpret_cast<std::byte*>(to.data()));
  }
  template <typename Element>
  void copy_to_host(std::span<const Element> from, std::span<Element> host) {
    copy_to_host(reinterpret_cast<const std::byte*>(from.data()), std::as_writable_bytes(host));
  }

  // Returns when all that was called is done.
  virtual void wait() = 0;

  virtual void zero(std::span<float> values) = 0;
  virtual void copy(std::span<const float> from, std::span<float> to) = 0;

  // Row r of `to` = row r of `from`; elements between the rows of `to` stay as they are.
  virtual void copy_rows(const RowExtents& extents, ConstRows from, Rows to) = 0;

  // Both without gaps.
  virtual void swap_axes(const SwappedAxes& axes, const float* from, float* to) = 0;

  // Between a layout of the implementation's own and the plain one. Not called for plain forms.
  [[nodiscard]] virtual std::unique_ptr<Reorder> make_reorder(const TensorForm& form) = 0;

  // ---- Element by element, whatever the layout ----

  // output = max(input, 0); a NaN stays a NaN. Both may be the same memory.
  virtual void relu(std::span<const float> input, std::span<float> output) = 0;

  // The backward side of max(., 0): clears the gradient where the output is 0 (or less), and keeps it where
  // it is positive or NaN.
  virtual void mask_relu_gradient(std::span<const float> output, std::span<float> gradient) = 0;

  // sum = a + b; all may be the same memory.
  virtual void add(std::span<const float> a, std::span<const float> b, std::span<float> sum) = 0;

  // to *= by, element by element.
  virtual void multiply(std::span<const float> by, std::span<float> to) = 0;

  // values *= factor.
  virtual void scale(float factor, std::span<float> values) = 0;

  // See kernels/kernels.h: output = x P(x) with x = rows + bias, and rows = P(x) + x P'(x).
  //   bias    [features]
  //   rows    [rows, features]; overwritten by the derivative that backward multiplies with
  //   output  as rows
  virtual void gelu(std::span<const float> bias, std::span<float> rows, std::span<float> output) = 0;

  // A mask of as many elements.
  [[nodiscard]] virtual std::unique_ptr<KeepMask> make_keep_mask(std::size_t elements) = 0;

  // ---- Rows ----

  // sums[c] = sum over rows of rows[., c], first row first.
  //   rows  [rows, columns]
  //   sums  [columns]; overwritten
  virtual void sum_rows(std::span<const float> rows, std::span<float> sums) = 0;

  // output = factor * input + table, of every sample alike.
  //   input, output  [samples, elements of the table]
  virtual void scale_and_add_table(float factor, std::span<const float> input, std::span<const float> table,
                                   std::span<float> output) = 0;

  // The mean of each sample's positions, summed as by sum_rows() and divided by their number; and backward:
  // each position's gradient is the mean's, divided by the number of positions.
  //   input, input_gradient    [samples, positions, features]
  //   output, output_gradient  [samples, features]; overwritten by forward
  virtual void mean_over_positions(std::size_t positions, ConstTensor input, Tensor output) = 0;
  virtual void mean_over_positions_backward(std::size_t positions, ConstTensor output_gradient,
                                            Tensor input_gradient) = 0;

  // Layer normalisation, see kernels/kernels.h: output = (input - m) r * scale + shift. Writes m and r of
  // each row, for backward, to where `of` says.
  //   shift  [features]
  virtual void normalise_rows(const kernels::NormalisedRows& of, std::span<const float> shift, float epsilon,
                              float* output) = 0;

  // Overwrites the gradient of the output with that of the input, and the gradients [features] of scale and
  // shift with theirs, summed over the rows.
  //   of  as the last normalise_rows() of this input left it
  virtual void normalise_rows_backward(const kernels::NormalisedRows& of, float* gradient,
                                       std::span<float> scale_gradient, std::span<float> shift_gradient) = 0;

  // ---- Symbols ----
  // They are in [0, rows of the table); only the CPU's implementation checks that.

  // Row r of `rows` = the table's row of its symbol.
  //   table  [symbols, features]
  //   rows   [samples * count, features]
  virtual void gather_rows(const SymbolWindow& window, std::size_t features, std::span<const float> table,
                           std::span<float> rows) = 0;

  // Overwrites the table's gradient: each of its rows is the sum of the rows whose symbol it is, lowest r
  // first, 0 where there is none.
  virtual void scatter_rows(const SymbolWindow& window, std::size_t features, std::span<const float> rows,
                            std::span<float> table) = 0;

  // mask[r] = -infinity where the symbol is 0, which is padding, else 0.
  //   mask  [samples * count]
  virtual void mask_padding(const SymbolWindow& window, std::span<float> mask) = 0;

  // ---- Products ----
  // The arena is of this implementation, outlives what is made, and may be reserved, borrowed and scratch.

  // Input [..., in], plain; weights [out, in]; output [..., out], plain. The extents before the last make
  // rows.
  [[nodiscard]] virtual std::unique_ptr<Products> make_fully_connected_products(
      const TensorForm& input, const FullyConnectedShape& shape) = 0;

  // Input [B, in, height, width]; weights [out, in / groups, kernel, kernel]; output [B, out, height',
  // width'] with height' = (height + 2 padding - kernel) / stride + 1, in a layout that the implementation
  // chooses.
  [[nodiscard]] virtual std::unique_ptr<Products> make_convolution_products(const TensorForm& input,
                                                                            const ConvolutionShape& shape,
                                                                            Arena& arena) = 0;

  // As make_fully_connected_products() without max(., 0), for weights that are held: see
  // Products::hold_weights().
  [[nodiscard]] virtual std::unique_ptr<Products> make_repeated_products(const TensorForm& input,
                                                                         std::size_t outputs,
                                                                         Arena& arena) = 0;

  // ---- Images ----

  [[nodiscard]] virtual std::unique_ptr<Pooling> make_max_pooling(const TensorForm& input,
                                                                  const PoolingShape& shape) = 0;
  [[nodiscard]] virtual std::unique_ptr<Pooling> make_average_pooling(const TensorForm& input,
                                                                      const AveragePoolingShape& shape) = 0;

  //   epsilon  added to the variance
  [[nodiscard]] virtual std::unique_ptr<ChannelNormalisation> make_channel_normalisation(
      const TensorForm& form, double epsilon, kernels::Clamp clamp) = 0;

  // ---- Sequences ----

  [[nodiscard]] virtual std::unique_ptr<DotProductAttention> make_attention(const AttentionShape& shape,
                                                                            Arena& arena) = 0;

  // See recurrent/lstm_cell.h.
  virtual void lstm_cells_forward(const LstmStep& step, const LstmCellsForward& cells) = 0;
  virtual void lstm_cells_backward(const LstmStep& step, const LstmCellsBackward& cells) = 0;

  // ---- Loss ----

  [[nodiscard]] virtual std::unique_ptr<CrossEntropy> make_cross_entropy(std::size_t rows,
                                                                         std::size_t classes) = 0;

  // ---- Optimizers: all [n]; see updates.h ----

  //   velocity  empty where momentum is 0: v is g' then
  virtual void sgd(const SgdFactors& factors, std::span<const float> gradient, std::span<float> velocity,
                   std::span<float> parameters) = 0;

  //   first, second  the moments m and v
  virtual void adam(const AdamFactors& factors, std::span<const float> gradient, std::span<float> first,
                    std::span<float> second, std::span<float> parameters) = 0;
};

// Those of the host's processor. Any number of threads may call it, each on memory of its own.
[[nodiscard]] Operations& cpu_operations();

}  // namespace sterna::tensor
