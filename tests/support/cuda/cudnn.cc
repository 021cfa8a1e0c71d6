// The stand-in for cuDNN: handles and descriptors. cudnn_convolution.cc has what is done with them.
#include "tests/support/cuda/cudnn.h"

#include <algorithm>

#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {

cudnnStatus_t wrong_in_cudnn(const std::string& what) {
  (void)mistake(cudaErrorInvalidValue, "cuDNN: " + what);
  return CUDNN_STATUS_BAD_PARAM;
}

bool are_extents(const std::array<int, 4>& extents) {
  return std::ranges::all_of(extents, [](int extent) { return extent >= 1; });
}

namespace {

cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream) {
  if (!lives(handle)) return wrong_in_cudnn("cudnnSetStream: no handle");
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_tensor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format, cudnnDataType_t type,
                         int n, int c, int h, int w) {
  if (!lives(tensor) || format != CUDNN_TENSOR_NCHW || type != CUDNN_DATA_FLOAT ||
      !are_extents({n, c, h, w})) {
    return wrong_in_cudnn(
        "cudnnSetTensor4dDescriptor: the stand-in has plain float32 tensors of some extent alone");
  }
  tensor->extents = {n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_filter(cudnnFilterDescriptor_t filter, cudnnDataType_t type, cudnnTensorFormat_t format,
                         int k, int c, int h, int w) {
  if (!lives(filter) || format != CUDNN_TENSOR_NCHW || type != CUDNN_DATA_FLOAT ||
      !are_extents({k, c, h, w})) {
    return wrong_in_cudnn(
        "cudnnSetFilter4dDescriptor: the stand-in has plain float32 weights of some extent alone");
  }
  filter->extents = {k, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_convolution(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w, int stride_h,
                              int stride_w, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                              cudnnDataType_t type) {
  if (!lives(convolution) || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dilation_h != 1 ||
      dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION || type != CUDNN_DATA_FLOAT) {
    return wrong_in_cudnn(
        "cudnnSetConvolution2dDescriptor: the stand-in has cross-correlation in float32 alone");
  }
  *convolution = {
      .padding_height = pad_h, .padding_width = pad_w, .stride_height = stride_h, .stride_width = stride_w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_groups(cudnnConvolutionDescriptor_t convolution, int groups) {
  if (!lives(convolution) || groups < 1) return wrong_in_cudnn("cudnnSetConvolutionGroupCount: no groups");
  convolution->groups = groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_math(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t math) {
  if (!lives(convolution)) return wrong_in_cudnn("cudnnSetConvolutionMathType: no descriptor");
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
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
  static const CudnnApi api = [] {
    CudnnApi functions{};
    functions.create = stand_in::create<cudnnContext>;
    functions.destroy = stand_in::destroy<cudnnContext>;
    functions.get_version = stand_in::get_version;
    functions.get_error_string = stand_in::get_error_string;
    functions.set_stream = stand_in::set_stream;
    functions.create_tensor = stand_in::create<cudnnTensorStruct>;
    functions.destroy_tensor = stand_in::destroy<cudnnTensorStruct>;
    functions.set_tensor = stand_in::set_tensor;
    functions.create_filter = stand_in::create<cudnnFilterStruct>;
    functions.destroy_filter = stand_in::destroy<cudnnFilterStruct>;
    functions.set_filter = stand_in::set_filter;
    functions.create_convolution = stand_in::create<cudnnConvolutionStruct>;
    functions.destroy_convolution = stand_in::destroy<cudnnConvolutionStruct>;
    functions.set_convolution = stand_in::set_convolution;
    functions.set_convolution_groups = stand_in::set_groups;
    functions.set_convolution_math = stand_in::set_math;
    stand_in::set_convolutions(functions);
    return functions;
  }();
  return api;
}

}  // namespace sterna::tensor::cuda
