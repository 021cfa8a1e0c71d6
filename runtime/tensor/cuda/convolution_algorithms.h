// Descriptions of a convolution for cuDNN, and which algorithm does each of its products.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include "runtime/tensor/convolution_shape.h"
#include "runtime/tensor/cuda/api.h"
#include "runtime/tensor/tensor.h"

namespace sterna::tensor::cuda {
namespace detail {

struct DestroyTensor {
  void operator()(cudnnTensorDescriptor_t tensor) const { cudnn_api().destroy_tensor(tensor); }
};
struct DestroyFilter {
  void operator()(cudnnFilterDescriptor_t filter) const { cudnn_api().destroy_filter(filter); }
};
struct DestroyConvolution {
  void operator()(cudnnConvolutionDescriptor_t convolution) const {
    cudnn_api().destroy_convolution(convolution);
  }
};

}  // namespace detail

// Plain tensors of float32; factors are multiplied as they are, without TF32.
class ConvolutionDescription {
 public:
  // Input [B, in, height, width].
  ConvolutionDescription(const Shape& input, const ConvolutionShape& shape);

  [[nodiscard]] const Shape& output_shape() const { return output_shape_; }
  [[nodiscard]] cudnnTensorDescriptor_t input() const { return input_.get(); }
  [[nodiscard]] cudnnFilterDescriptor_t weights() const { return weights_.get(); }
  [[nodiscard]] cudnnConvolutionDescriptor_t convolution() const { return convolution_.get(); }
  [[nodiscard]] cudnnTensorDescriptor_t output() const { return output_.get(); }

 private:
  template <typename Descriptor, typename Destroy>
  using Owned = std::unique_ptr<std::remove_pointer_t<Descriptor>, Destroy>;

  Shape output_shape_;
  Owned<cudnnTensorDescriptor_t, detail::DestroyTensor> input_, output_;
  Owned<cudnnFilterDescriptor_t, detail::DestroyFilter> weights_;
  Owned<cudnnConvolutionDescriptor_t, detail::DestroyConvolution> convolution_;
};

template <typename Algorithm>
struct Chosen {
  Algorithm algorithm;
  std::size_t workspace_bytes;
};

// Algorithms of which cuDNN's documentation says that they give the same bits each time, and which round as
// sums of products do: no transforms of Winograd or Fourier, which lose digits. Throw CommError where cuDNN
// has none for this convolution.
[[nodiscard]] Chosen<cudnnConvolutionFwdAlgo_t> choose_forward(cudnnHandle_t handle,
                                                               const ConvolutionDescription& of);
[[nodiscard]] Chosen<cudnnConvolutionBwdDataAlgo_t> choose_input_gradient(cudnnHandle_t handle,
                                                                          const ConvolutionDescription& of);
[[nodiscard]] Chosen<cudnnConvolutionBwdFilterAlgo_t> choose_weight_gradient(
    cudnnHandle_t handle, const ConvolutionDescription& of);

}  // namespace sterna::tensor::cuda
