// cuDNN's convolutions as work of the handle's stream: descriptors, what algorithms there are to choose from,
// and what a call must have right. convolution.cc computes.
#include <array>
#include <cstring>
#include <memory>
#include <set>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/api.h"
#include "tests/support/cuda/convolution.h"
#include "tests/support/cuda/stand_in.h"
#include "tests/support/cuda/state.h"

// The library's own names, declared in its header.
struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  std::array<int, 4> extents = {};  // samples, channels, height, width; 0 until they are set
};
struct cudnnFilterStruct {
  std::array<int, 4> extents = {};  // outputs, channels of a group, height, width
};
struct cudnnConvolutionStruct {
  int padding_height = 0, padding_width = 0, stride_height = 0, stride_width = 0;
  int groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace sterna::cuda_stand_in {
namespace {

// What the algorithms that are right ask for, and the largest of the others.
constexpr std::size_t kWorkspaceBytes = 4096;

cudnnStatus_t wrong(const std::string& what) {
  (void)mistake(cudaErrorInvalidValue, "cuDNN: " + what);
  return CUDNN_STATUS_BAD_PARAM;
}

template <typename Object>
std::set<Object*>& living_of() {
  static std::set<Object*> all;
  return all;
}

template <typename Object>
cudnnStatus_t create(Object** object) {
  *object = new Object;
  living_of<Object>().insert(*object);
  ++living_library_objects();
  return CUDNN_STATUS_SUCCESS;
}

template <typename Object>
cudnnStatus_t destroy(Object* object) {
  const std::unique_ptr<Object> owned(living_of<Object>().erase(object) == 1 ? object : nullptr);
  if (!owned) return wrong("an object is destroyed that is not there");
  --living_library_objects();
  return CUDNN_STATUS_SUCCESS;
}

template <typename Object>
bool lives(Object* object) {
  return living_of<Object>().contains(object);
}

cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream) {
  if (!lives(handle)) return wrong("cudnnSetStream: no handle");
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

bool are_extents(const std::array<int, 4>& extents) {
  for (const int extent : extents) {
    if (extent < 1) return false;
  }
  return true;
}

cudnnStatus_t set_tensor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format, cudnnDataType_t type,
                         int n, int c, int h, int w) {
  if (!lives(tensor) || format != CUDNN_TENSOR_NCHW || type != CUDNN_DATA_FLOAT ||
      !are_extents({n, c, h, w})) {
    return wrong("cudnnSetTensor4dDescriptor: the stand-in has plain float32 tensors of some extent alone");
  }
  tensor->extents = {n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_filter(cudnnFilterDescriptor_t filter, cudnnDataType_t type, cudnnTensorFormat_t format,
                         int k, int c, int h, int w) {
  if (!lives(filter) || format != CUDNN_TENSOR_NCHW || type != CUDNN_DATA_FLOAT ||
      !are_extents({k, c, h, w})) {
    return wrong("cudnnSetFilter4dDescriptor: the stand-in has plain float32 weights of some extent alone");
  }
  filter->extents = {k, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_convolution(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w, int stride_h,
                              int stride_w, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                              cudnnDataType_t type) {
  if (!lives(convolution) || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dilation_h != 1 ||
      dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION || type != CUDNN_DATA_FLOAT) {
    return wrong("cudnnSetConvolution2dDescriptor: the stand-in has cross-correlation in float32 alone");
  }
  *convolution = {
      .padding_height = pad_h, .padding_width = pad_w, .stride_height = stride_h, .stride_width = stride_w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_groups(cudnnConvolutionDescriptor_t convolution, int groups) {
  if (!lives(convolution) || groups < 1) return wrong("cudnnSetConvolutionGroupCount: no groups");
  convolution->groups = groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_math(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t math) {
  if (!lives(convolution)) return wrong("cudnnSetConvolutionMathType: no descriptor");
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
}

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

// What a library may offer, the fastest first: a trap for each thing that a caller must look at, and last
// what it should take.
template <typename Performance, typename Algorithm>
cudnnStatus_t offer(cudnnHandle_t handle, const Descriptors& described, Algorithm inexact,
                    Algorithm unordered, Algorithm exact, int requested, int* returned,
                    Performance* results) {
  if (!lives(handle)) return wrong("algorithms are asked for without a handle");
  if (!described.live() || !described.fit()) return wrong("descriptors do not fit together");
  const auto offered = [](Algorithm algorithm, cudnnStatus_t status, cudnnDeterminism_t determinism,
                          cudnnMathType_t math, std::size_t bytes) {
    Performance result{};
    result.algo = algorithm;
    result.status = status;
    result.determinism = determinism;
    result.mathType = math;
    result.memory = bytes;
    return result;
  };
  const std::array all = {
      offered(inexact, CUDNN_STATUS_SUCCESS, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, kWorkspaceBytes),
      offered(unordered, CUDNN_STATUS_SUCCESS, CUDNN_NON_DETERMINISTIC, CUDNN_FMA_MATH, 0),
      offered(exact, CUDNN_STATUS_SUCCESS, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH, kWorkspaceBytes),
      offered(exact, CUDNN_STATUS_NOT_SUPPORTED, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, 0),
      offered(exact, CUDNN_STATUS_SUCCESS, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, kWorkspaceBytes)};
  *returned = std::min(requested, static_cast<int>(all.size()));
  std::copy_n(all.begin(), *returned, results);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t forward_algorithms(cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                                 cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y,
                                 int requested, int* returned, cudnnConvolutionFwdAlgoPerf_t* results) {
  return offer(handle, {x, w, convolution, y}, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD,
               CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
               requested, returned, results);
}

cudnnStatus_t backward_data_algorithms(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                       cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,
                                       cudnnTensorDescriptor_t dx, int requested, int* returned,
                                       cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return offer(handle, {dx, w, convolution, dy}, CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD,
               CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, requested, returned,
               results);
}

cudnnStatus_t backward_filter_algorithms(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                         cudnnTensorDescriptor_t dy, cudnnConvolutionDescriptor_t convolution,
                                         cudnnFilterDescriptor_t dw, int requested, int* returned,
                                         cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return offer(handle, {x, dw, convolution, dy}, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT,
               CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, requested, returned,
               results);
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
  if (!product.is_exact) return "an algorithm that is not exact, or adds in no fixed order";
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
  if (!fault.empty()) return wrong(cat(product.call, ": ", fault));
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
                          .is_exact = algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
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
                          .is_exact = algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
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
                          .is_exact = algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
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

std::size_t get_version() {
  return CUDNN_VERSION;
}

const char* get_error_string(cudnnStatus_t code) {
  return code == CUDNN_STATUS_SUCCESS ? "success" : "CUDNN_STATUS_BAD_PARAM";
}

}  // namespace
}  // namespace sterna::cuda_stand_in

namespace sterna::tensor::cuda {

// In the place of the library's own functions.
const CudnnApi& cudnn_api() {
  namespace stand_in = cuda_stand_in;
  static constexpr CudnnApi api{.create = stand_in::create<cudnnContext>,
                                .destroy = stand_in::destroy<cudnnContext>,
                                .get_version = stand_in::get_version,
                                .get_error_string = stand_in::get_error_string,
                                .set_stream = stand_in::set_stream,
                                .create_tensor = stand_in::create<cudnnTensorStruct>,
                                .destroy_tensor = stand_in::destroy<cudnnTensorStruct>,
                                .set_tensor = stand_in::set_tensor,
                                .create_filter = stand_in::create<cudnnFilterStruct>,
                                .destroy_filter = stand_in::destroy<cudnnFilterStruct>,
                                .set_filter = stand_in::set_filter,
                                .create_convolution = stand_in::create<cudnnConvolutionStruct>,
                                .destroy_convolution = stand_in::destroy<cudnnConvolutionStruct>,
                                .set_convolution = stand_in::set_convolution,
                                .set_convolution_groups = stand_in::set_groups,
                                .set_convolution_math = stand_in::set_math,
                                .forward_algorithms = stand_in::forward_algorithms,
                                .backward_data_algorithms = stand_in::backward_data_algorithms,
                                .backward_filter_algorithms = stand_in::backward_filter_algorithms,
                                .convolution_forward = stand_in::forward,
                                .convolution_backward_data = stand_in::backward_data,
                                .convolution_backward_filter = stand_in::backward_filter};
  return api;
}

}  // namespace sterna::tensor::cuda
