#include "runtime/tensor/cuda/cuda_operations.h"

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/makers.h"

namespace sterna::tensor::cuda {
namespace {

// Every form is plain already.
class NoReorder final : public Reorder {
 public:
  explicit NoReorder(Launcher& launch) : launch_(launch) {}
  void to_plain(ConstTensor blocked, Tensor plain) override { copy(blocked, plain); }
  void from_plain(ConstTensor plain, Tensor blocked) override { copy(plain, blocked); }

 private:
  void copy(ConstTensor from, Tensor to) {
    STERNA_CHECK(from.storage().size() == to.storage().size());
    launch_.copy(from.data, to.data, from.storage().size_bytes());
  }

  Launcher& launch_;
};

class OnStream final : public CudaOperations {
 public:
  OnStream() : stream_(std::make_shared<DeviceStream>()), launch_(stream_->launch()) {}

  CUstream_st* stream() const override { return stream_->stream(); }
  std::string libraries() const override { return cuda_library_versions(); }

  bool is_in_host_memory() const override { return false; }

  // The memory keeps the stream on which it is freed.
  Memory reserve(std::size_t bytes) override {
    struct Kept {
      std::shared_ptr<DeviceStream> stream;
      DeviceBytes bytes;  // goes first
    };
    auto kept = std::make_shared<Kept>(Kept{stream_, allocate_device(bytes, stream())});
    launch_.zero(kept->bytes.get(), bytes);
    std::byte* const address = kept->bytes.get();
    return {std::move(kept), address};
  }

  void copy_from_host(std::span<const std::byte> host, std::byte* to) override {
    stream_->copy_from_host(host, to);
  }
  void copy_to_host(const std::byte* from, std::span<std::byte> host) override {
    stream_->copy_to_host(from, host);
  }
  void wait() override { stream_->wait(); }

  void zero(std::span<float> values) override { launch_.zero(values.data(), values.size_bytes()); }
  void copy(std::span<const float> from, std::span<float> to) override {
    STERNA_CHECK(from.size() == to.size());
    launch_.copy(from.data(), to.data(), from.size_bytes());
  }
  void copy_rows(const RowExtents& extents, ConstRows from, Rows to) override {
    enqueue_copy_rows(launch_, extents, from, to);
  }
  void swap_axes(const SwappedAxes& axes, const float* from, float* to) override {
    enqueue_swap_axes(launch_, axes, from, to);
  }
  std::unique_ptr<Reorder> make_reorder(const TensorForm& form) override {
    STERNA_CHECK(form.is_plain() == true);
    return std::make_unique<NoReorder>(launch_);
  }

  void relu(std::span<const float> input, std::span<float> output) override {
    enqueue_relu(launch_, input, output);
  }
  void mask_relu_gradient(std::span<const float> output, std::span<float> gradient) override {
    enqueue_relu_mask(launch_, output, gradient);
  }
  void add(std::span<const float> a, std::span<const float> b, std::span<float> sum) override {
    enqueue_add(launch_, a, b, sum);
  }
  void multiply(std::span<const float> by, std::span<float> to) override {
    enqueue_multiply(launch_, by, to);
  }
  void scale(float factor, std::span<float> values) override { enqueue_scale(launch_, factor, values); }
  void gelu(std::span<const float> bias, std::span<float> rows, std::span<float> output) override {
    enqueue_gelu(launch_, bias, rows, output);
  }
  std::unique_ptr<KeepMask> make_keep_mask(std::size_t elements) override {
    return cuda::make_keep_mask(elements, *stream_);
  }

  void sum_rows(std::span<const float> rows, std::span<float> sums) override {
    enqueue_row_sums(launch_, rows, stream_->partials(), sums);
  }
  void scale_and_add_table(float factor, std::span<const float> input, std::span<const float> table,
                           std::span<float> output) override {
    enqueue_table(launch_, factor, input, table, output);
  }
  void mean_over_positions(std::size_t positions, ConstTensor input, Tensor output) override {
    enqueue_position_means(launch_, positions, input, output);
  }
  void mean_over_positions_backward(std::size_t positions, ConstTensor output_gradient,
                                    Tensor input_gradient) override {
    enqueue_position_gradients(launch_, positions, output_gradient, input_gradient);
  }
  void normalise_rows(const kernels::NormalisedRows& of, std::span<const float> shift, float epsilon,
                      float* output) override {
    enqueue_normalised_rows(launch_, of, shift, epsilon, output);
  }
  void normalise_rows_backward(const kernels::NormalisedRows& of, float* gradient,
                               std::span<float> scale_gradient, std::span<float> shift_gradient) override {
    enqueue_normalised_rows_backward(launch_, of, gradient, stream_->partials(), scale_gradient,
                                     shift_gradient);
  }

  void gather_rows(const SymbolWindow& window, std::size_t features, std::span<const float> table,
                   std::span<float> rows) override {
    enqueue_gathered_rows(launch_, window, features, table, rows);
  }
  void scatter_rows(const SymbolWindow& window, std::size_t features, std::span<const float> rows,
                    std::span<float> table) override {
    enqueue_scattered_rows(launch_, window, features, rows, table);
  }
  void mask_padding(const SymbolWindow& window, std::span<float> mask) override {
    enqueue_padding_mask(launch_, window, mask);
  }

  std::unique_ptr<Products> make_fully_connected_products(const TensorForm& input,
                                                          const FullyConnectedShape& shape) override {
    return cuda::make_fully_connected_products(input, shape, *stream_);
  }
  std::unique_ptr<Products> make_convolution_products(const TensorForm& input, const ConvolutionShape& shape,
                                                      Arena& arena) override {
    return cuda::make_convolution_products(input, shape, arena, *stream_);
  }
  // cuBLAS rearranges no weights that could be held.
  std::unique_ptr<Products> make_repeated_products(const TensorForm& input, std::size_t outputs,
                                                   Arena&) override {
    return cuda::make_fully_connected_products(input, {.outputs = outputs}, *stream_);
  }

  std::unique_ptr<Pooling> make_max_pooling(const TensorForm& input, const PoolingShape& shape) override {
    return cuda::make_max_pooling(input, shape, *stream_);
  }
  std::unique_ptr<Pooling> make_average_pooling(const TensorForm& input,
                                                const AveragePoolingShape& shape) override {
    return cuda::make_average_pooling(input, shape, *stream_);
  }
  std::unique_ptr<ChannelNormalisation> make_channel_normalisation(const TensorForm& form, double epsilon,
                                                                   kernels::Clamp clamp) override {
    return cuda::make_channel_normalisation(form, epsilon, clamp, *stream_);
  }

  std::unique_ptr<DotProductAttention> make_attention(const AttentionShape& shape, Arena& arena) override {
    return cuda::make_attention(shape, arena, *stream_);
  }
  void lstm_cells_forward(const LstmStep& step, const LstmCellsForward& cells) override {
    enqueue_lstm_forward(launch_, step, cells);
  }
  void lstm_cells_backward(const LstmStep& step, const LstmCellsBackward& cells) override {
    enqueue_lstm_backward(launch_, step, cells);
  }

  std::unique_ptr<CrossEntropy> make_cross_entropy(std::size_t rows, std::size_t classes) override {
    return cuda::make_cross_entropy(rows, classes, *stream_);
  }

  void sgd(const SgdFactors& factors, std::span<const float> gradient, std::span<float> velocity,
           std::span<float> parameters) override {
    enqueue_sgd(launch_, factors, gradient, velocity, parameters);
  }
  void adam(const AdamFactors& factors, std::span<const float> gradient, std::span<float> first,
            std::span<float> second, std::span<float> parameters) override {
    enqueue_adam(launch_, factors, gradient, first, second, parameters);
  }

 private:
  std::shared_ptr<DeviceStream> stream_;
  Launcher& launch_;
};

}  // namespace

std::unique_ptr<CudaOperations> make_cuda_operations(int device) {
  if (const std::string why_not = why_no_cuda_operations(); !why_not.empty()) {
    throw ConfigError(cat("[device] device = \"cuda\": ", why_not, "; or train with --device cpu"));
  }
  device::check_cuda(cudaSetDevice(device), "cudaSetDevice");
  return std::make_unique<OnStream>();
}

std::string why_no_cuda_operations() {
  try {
    (void)cublas_api();
    (void)cudnn_api();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

std::string cuda_library_versions() {
  return library_versions();
}

}  // namespace sterna::tensor::cuda
