#include "runtime/core/errors.h"
#include "runtime/core/shared_library.h"
#include "runtime/tensor/cuda/api.h"

namespace sterna::tensor::cuda {
namespace {

CublasApi load_cublas() {
  const SharedLibrary from(cat("libcublas.so.", CUBLAS_VER_MAJOR), cat("install cuBLAS ", CUBLAS_VER_MAJOR));
  CublasApi api{};
  from.look_up("cublasCreate_v2", api.create);
  from.look_up("cublasDestroy_v2", api.destroy);
  from.look_up("cublasGetProperty", api.get_property);
  from.look_up("cublasGetStatusString", api.get_status_string);
  from.look_up("cublasSetMathMode", api.set_math_mode);
  from.look_up("cublasSetStream_v2", api.set_stream);
  from.look_up("cublasSetWorkspace_v2", api.set_workspace);
  from.look_up("cublasSgemm_v2", api.sgemm);
  from.look_up("cublasSgemmStridedBatched", api.sgemm_strided_batched);
  return api;
}

CudnnApi load_cudnn() {
  const SharedLibrary from(cat("libcudnn.so.", CUDNN_MAJOR), cat("install cuDNN ", CUDNN_MAJOR));
  CudnnApi api{};
  from.look_up("cudnnCreate", api.create);
  from.look_up("cudnnDestroy", api.destroy);
  from.look_up("cudnnGetVersion", api.get_version);
  from.look_up("cudnnGetErrorString", api.get_error_string);
  from.look_up("cudnnSetStream", api.set_stream);
  from.look_up("cudnnCreateTensorDescriptor", api.create_tensor);
  from.look_up("cudnnDestroyTensorDescriptor", api.destroy_tensor);
  from.look_up("cudnnSetTensor4dDescriptor", api.set_tensor);
  from.look_up("cudnnCreateFilterDescriptor", api.create_filter);
  from.look_up("cudnnDestroyFilterDescriptor", api.destroy_filter);
  from.look_up("cudnnSetFilter4dDescriptor", api.set_filter);
  from.look_up("cudnnCreateConvolutionDescriptor", api.create_convolution);
  from.look_up("cudnnDestroyConvolutionDescriptor", api.destroy_convolution);
  from.look_up("cudnnSetConvolution2dDescriptor", api.set_convolution);
  from.look_up("cudnnSetConvolutionGroupCount", api.set_convolution_groups);
  from.look_up("cudnnSetConvolutionMathType", api.set_convolution_math);
  from.look_up("cudnnGetConvolutionForwardWorkspaceSize", api.forward_workspace);
  from.look_up("cudnnGetConvolutionBackwardDataWorkspaceSize", api.backward_data_workspace);
  from.look_up("cudnnGetConvolutionBackwardFilterWorkspaceSize", api.backward_filter_workspace);
  from.look_up("cudnnConvolutionForward", api.convolution_forward);
  from.look_up("cudnnConvolutionBackwardData", api.convolution_backward_data);
  from.look_up("cudnnConvolutionBackwardFilter", api.convolution_backward_filter);
  return api;
}

}  // namespace

const CublasApi& cublas_api() {
  static const CublasApi api = load_cublas();
  return api;
}

const CudnnApi& cudnn_api() {
  static const CudnnApi api = load_cudnn();
  return api;
}

}  // namespace sterna::tensor::cuda
