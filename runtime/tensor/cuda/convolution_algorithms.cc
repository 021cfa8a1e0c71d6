#include "runtime/tensor/cuda/convolution_algorithms.h"

#include <initializer_list>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/checked_int.h"
#include "runtime/tensor/cuda/libraries.h"

namespace sterna::tensor::cuda {
namespace {

std::size_t swept(std::size_t extent, const ConvolutionShape& shape) {
  STERNA_CHECK((extent + 2 * shape.padding) >= shape.kernel);
  return (extent + 2 * shape.padding - shape.kernel) / shape.stride + 1;
}

void set_tensor(cudnnTensorDescriptor_t tensor, const Shape& shape) {
  check_cudnn(cudnn_api().set_tensor(tensor, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, checked_int(shape[0]),
                                     checked_int(shape[1]), checked_int(shape[2]), checked_int(shape[3])),
              "cudnnSetTensor4dDescriptor");
}

void set_convolution(cudnnConvolutionDescriptor_t convolution, const ConvolutionShape& shape) {
  const int padding = checked_int(shape.padding);
  const int stride = checked_int(shape.stride);
  check_cudnn(cudnn_api().set_convolution(convolution, padding, padding, stride, stride, /*dilation_h=*/1,
                                          /*dilation_w=*/1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
              "cudnnSetConvolution2dDescriptor");
  check_cudnn(cudnn_api().set_convolution_groups(convolution, checked_int(shape.groups)),
              "cudnnSetConvolutionGroupCount");
  check_cudnn(cudnn_api().set_convolution_math(convolution, CUDNN_FMA_MATH), "cudnnSetConvolutionMathType");
}

// Returns what create() makes.
template <typename Descriptor>
Descriptor created(cudnnStatus_t (*create)(Descriptor*), const char* call) {
  Descriptor descriptor = nullptr;
  check_cudnn(create(&descriptor), call);
  return descriptor;
}

// The first for which workspace(algorithm, bytes) knows how much it needs.
template <typename Algorithm, typename Workspace>
Chosen<Algorithm> choose(const char* call, std::initializer_list<Algorithm> candidates,
                         const Workspace& workspace) {
  cudnnStatus_t status = CUDNN_STATUS_NOT_SUPPORTED;
  for (const Algorithm algorithm : candidates) {
    std::size_t bytes = 0;
    status = workspace(algorithm, &bytes);
    if (status == CUDNN_STATUS_SUCCESS) return {.algorithm = algorithm, .workspace_bytes = bytes};
  }
  throw CommError(cat("[device] ", call, ": no algorithm that gives the same bits each time does this ",
                      "convolution: ", cudnn_api().get_error_string(status)));
}

}  // namespace

ConvolutionDescription::ConvolutionDescription(const Shape& input, const ConvolutionShape& shape)
    : output_shape_{input.at(0), shape.outputs, swept(input.at(2), shape), swept(input.at(3), shape)},
      input_(created(cudnn_api().create_tensor, "cudnnCreateTensorDescriptor")),
      output_(created(cudnn_api().create_tensor, "cudnnCreateTensorDescriptor")),
      weights_(created(cudnn_api().create_filter, "cudnnCreateFilterDescriptor")),
      convolution_(created(cudnn_api().create_convolution, "cudnnCreateConvolutionDescriptor")) {
  STERNA_CHECK(input[1] % shape.groups == 0u);
  STERNA_CHECK(shape.outputs % shape.groups == 0u);
  set_tensor(input_.get(), input);
  set_tensor(output_.get(), output_shape_);
  const int kernel = checked_int(shape.kernel);
  check_cudnn(
      cudnn_api().set_filter(weights_.get(), CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, checked_int(shape.outputs),
                             checked_int(input[1] / shape.groups), kernel, kernel),
      "cudnnSetFilter4dDescriptor");
  set_convolution(convolution_.get(), shape);
}

Chosen<cudnnConvolutionFwdAlgo_t> choose_forward(cudnnHandle_t handle, const ConvolutionDescription& of) {
  return choose("cudnnGetConvolutionForwardWorkspaceSize",
                {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM},
                [&](cudnnConvolutionFwdAlgo_t algorithm, std::size_t* bytes) {
                  return cudnn_api().forward_workspace(handle, of.input(), of.weights(), of.convolution(),
                                                       of.output(), algorithm, bytes);
                });
}

Chosen<cudnnConvolutionBwdDataAlgo_t> choose_input_gradient(cudnnHandle_t handle,
                                                            const ConvolutionDescription& of) {
  return choose("cudnnGetConvolutionBackwardDataWorkspaceSize", {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1},
                [&](cudnnConvolutionBwdDataAlgo_t algorithm, std::size_t* bytes) {
                  return cudnn_api().backward_data_workspace(handle, of.weights(), of.output(),
                                                             of.convolution(), of.input(), algorithm, bytes);
                });
}

Chosen<cudnnConvolutionBwdFilterAlgo_t> choose_weight_gradient(cudnnHandle_t handle,
                                                               const ConvolutionDescription& of) {
  return choose("cudnnGetConvolutionBackwardFilterWorkspaceSize", {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1},
                [&](cudnnConvolutionBwdFilterAlgo_t algorithm, std::size_t* bytes) {
                  return cudnn_api().backward_filter_workspace(
                      handle, of.input(), of.output(), of.convolution(), of.weights(), algorithm, bytes);
                });
}

}  // namespace sterna::tensor::cuda
