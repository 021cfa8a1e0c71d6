// cuDNN's convolutions as work of the handle's stream: what algorithms there are to choose from, and what a
// call must have right. convolution.cc computes.
#include <cstring>

#include "runtime/core/errors.h"
#include "tests/support/cuda/convolution.h"
#include "tests/support/cuda/cudnn.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {
namespace {

// What the algorithms that are right ask for.
constexpr std::size_t kWorkspaceBytes = 4096;

struct Descriptors {
  cudnnTensorDescriptor_t input;
  cudnnFilterDescriptor_t weights;
  cudnnConvolutionDescriptor_t convolution;
  cudnnTensorDescriptor_t output;

  [[nodiscard]] bool live() const {
    return lives(input) && lives(weights) && lives(convolution) && lives(output) &&
           are_extents(input->extents) && are_extents(weights->extents) && are_extents(output->extents) &&
           convolution->stride_height > 0;
  }

  [[nodiscard]] ConvolutionExtents extents() const {
    return {.samples = input->extents[0],
            .channels = input->extents[1],
            .height = input->extents[2],
            .width = input->extents[3],
            .outputs = weights->extents[0],
            .kernel_height = weights->extents[2],
            .kernel_width = weights->extents[3],
            .output_height = output->extents[2],
            .output_width = output->extents[3],
            .padding_height = convolution->padding_height,
            .padding_width = convolution->padding_width,
            .stride_height = convolution->stride_height,
            .stride_width = convolution->stride_width,
            .groups = convolution->groups};
  }

  // Whether they are those of one convolution.
  [[nodiscard]] bool fit() const {
    const ConvolutionExtents x = extents();
    const int height = (x.height + 2 * x.padding_height - x.kernel_height) / x.stride_height + 1;
    const int width = (x.width + 2 * x.padding_width - x.kernel_width) / x.stride_width + 1;
    return x.channels == weights->extents[1] * x.groups && x.outputs % x.groups == 0 &&
           output->extents == std::array<int, 4>{x.samples, x.outputs, height, width};
  }
};

// Of the algorithms that give the same bits each time, the first one of forward does no groups here: a caller
// must have another.
bool is_exact(cudnnConvolutionFwdAlgo_t algorithm, const Descriptors& described) {
  if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM) return true;
  return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM && described.live() &&
         described.convolution->groups == 1;
}
bool is_exact(cudnnConvolutionBwdDataAlgo_t algorithm, const Descriptors&) {
  return algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
}
bool is_exact(cudnnConvolutionBwdFilterAlgo_t algorithm, const Descriptors&) {
  return algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
}

template <typename Algorithm>
cudnnStatus_t workspace_of(cudnnHandle_t handle, const Descriptors& described, Algorithm algorithm,
                           std::size_t* bytes) {
  if (!lives(handle)) return wrong_in_cudnn("a workspace is asked for without a handle");
  if (!described.live() || !described.fit()) return wrong_in_cudnn("descriptors do not fit together");
  if (!is_exact(algorithm, described)) return CUDNN_STATUS_NOT_SUPPORTED;
  *bytes = kWorkspaceBytes;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t forward_workspace(cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                                cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y,
                                cudnnConvolutionFwdAlgo_t algorithm, std::size_t* bytes) {
  return workspace_of(handle, {x, w, convolution, y}, algorithm, bytes);
}

cudnnStatus_t backward_data_workspace(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                      cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,
                                      cudnnTensorDescriptor_t dx, cudnnConvolutionBwdDataAlgo_t algorithm,
                                      std::size_t* bytes) {
  return workspace_of(handle, {dx, w, convolution, dy}, algorithm, bytes);
}

cudnnStatus_t backward_filter_workspace(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                        cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,
                                        cudnnFilterDescriptor_t dw, cudnnConvolutionBwdFilterAlgo_t algorithm,
                                        std::size_t* bytes) {
  return workspace_of(handle, {x, dw, convolution, dy}, algorithm, bytes);
}

// One product, before it is enqueued.
struct Product {
  const char* call;
  cudnnHandle_t handle;
  Descriptors described;
  bool is_exact;  // the algorithm
  void* workspace;
  std::size_t workspace_bytes;
  const void *alpha, *beta;
  const float* input;
  const float* weights;
  const float* output;
};

float factor_of(const void* factor) {
  float value = 0.0f;
  std::memcpy(&value, factor, sizeof value);
  return value;
}

// What is wrong with a call; empty if nothing is.
std::string fault_of(const Product& product) {
  if (!lives(product.handle)) return "no handle";
  if (!product.described.live() || !product.described.fit()) return "descriptors do not fit together";
  if (product.described.convolution->math != CUDNN_FMA_MATH) return "factors may be rounded to TF32";
  if (!product.is_exact)
    return "an algorithm that does not do this convolution, or not the same way each time";
  if (product.workspace_bytes < kWorkspaceBytes) return "the workspace is too short";
  if (!is_device_memory(product.workspace, product.workspace_bytes)) {
    return "the workspace is not in the device's memory";
  }
  for (const void* factor : {product.alpha, product.beta}) {
    if (factor == nullptr || is_device_memory(factor, sizeof(float)))
      return "a factor is not in the host's memory";
  }
  if (factor_of(product.alpha) != 1.0f || factor_of(product.beta) != 0.0f) {
    return "the stand-in has factors of 1 and 0 alone";
  }
  const ConvolutionExtents x = product.described.extents();
  if (!is_device_memory(product.input, x.input_elements() * sizeof(float)) ||
      !is_device_memory(product.weights, x.weight_elements() * sizeof(float)) ||
      !is_device_memory(product.output, x.output_elements() * sizeof(float))) {
    return "a tensor is not in the device's memory";
  }
  return "";
}

// The three tensors, in memory that the host can reach.
struct Reached {
  float *input, *weights, *output;
};

template <typename Compute>
cudnnStatus_t enqueue_product(const Product& product, const Compute& compute) {
  const std::string fault = fault_of(product);
  if (!fault.empty()) return wrong_in_cudnn(cat(product.call, ": ", fault));
  const ConvolutionExtents extents = product.described.extents();
  const cudaError_t error = enqueue(product.handle->stream, [=] {
    const auto reach = [](const float* at, std::size_t elements) {
      return reinterpret_cast<float*>(behind(at, elements * sizeof(float)));
    };
    const Reached at{.input = reach(product.input, extents.input_elements()),
                     .weights = reach(product.weights, extents.weight_elements()),
                     .output = reach(product.output, extents.output_elements())};
    std::byte* const workspace = behind(product.workspace, product.workspace_bytes);
    if (at.input == nullptr || at.weights == nullptr || at.output == nullptr || workspace == nullptr)
      return true;
    std::memset(workspace, 0xff, product.workspace_bytes);  // whatever it held is lost
    compute(extents, at);
    return true;
  });
  return error == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

cudnnStatus_t forward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_form, const void* x,
                      cudnnFilterDescriptor_t w_form, const void* w, cudnnConvolutionDescriptor_t convolution,
                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace, std::size_t workspace_bytes,
                      const void* beta, cudnnTensorDescriptor_t y_form, void* y) {
  return enqueue_product({.call = "cudnnConvolutionForward",
                          .handle = handle,
                          .described = {x_form, w_form, convolution, y_form},
                          .is_exact = is_exact(algorithm, {x_form, w_form, convolution, y_form}),
                          .workspace = workspace,
                          .workspace_bytes = workspace_bytes,
                          .alpha = alpha,
                          .beta = beta,
                          .input = static_cast<const float*>(x),
                          .weights = static_cast<const float*>(w),
                          .output = static_cast<const float*>(y)},
                         [](const ConvolutionExtents& extents, const Reached& at) {
                           convolve(extents, at.input, at.weights, at.output);
                         });
}

cudnnStatus_t backward_data(cudnnHandle_t handle, const void* alpha, cudnnFilterDescriptor_t w_form,
                            const void* w, cudnnTensorDescriptor_t dy_form, const void* dy,
                            cudnnConvolutionDescriptor_t convolution, cudnnConvolutionBwdDataAlgo_t algorithm,
                            void* workspace, std::size_t workspace_bytes, const void* beta,
                            cudnnTensorDescriptor_t dx_form, void* dx) {
  return enqueue_product({.call = "cudnnConvolutionBackwardData",
                          .handle = handle,
                          .described = {dx_form, w_form, convolution, dy_form},
                          .is_exact = is_exact(algorithm, {dx_form, w_form, convolution, dy_form}),
                          .workspace = workspace,
                          .workspace_bytes = workspace_bytes,
                          .alpha = alpha,
                          .beta = beta,
                          .input = static_cast<const float*>(dx),
                          .weights = static_cast<const float*>(w),
                          .output = static_cast<const float*>(dy)},
                         [](const ConvolutionExtents& extents, const Reached& at) {
                           convolve_back_to_input(extents, at.weights, at.output, at.input);
                         });
}

cudnnStatus_t backward_filter(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_form,
                              const void* x, cudnnTensorDescriptor_t dy_form, const void* dy,
                              cudnnConvolutionDescriptor_t convolution,
                              cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                              std::size_t workspace_bytes, const void* beta, cudnnFilterDescriptor_t dw_form,
                              void* dw) {
  return enqueue_product({.call = "cudnnConvolutionBackwardFilter",
                          .handle = handle,
                          .described = {x_form, dw_form, convolution, dy_form},
                          .is_exact = is_exact(algorithm, {x_form, dw_form, convolution, dy_form}),
                          .workspace = workspace,
                          .workspace_bytes = workspace_bytes,
                          .alpha = alpha,
                          .beta = beta,
                          .input = static_cast<const float*>(x),
                          .weights = static_cast<const float*>(dw),
                          .output = static_cast<const float*>(dy)},
                         [](const ConvolutionExtents& extents, const Reached& at) {
                           convolve_back_to_weights(extents, at.input, at.output, at.weights);
                         });
}

}  // namespace

void set_convolutions(tensor::cuda::CudnnApi& api) {
  api.forward_workspace = forward_workspace;
  api.backward_data_workspace = backward_data_workspace;
  api.backward_filter_workspace = backward_filter_workspace;
  api.convolution_forward = forward;
  api.convolution_backward_data = backward_data;
  api.convolution_backward_filter = backward_filter;
}

}  // namespace sterna::cuda_stand_in
