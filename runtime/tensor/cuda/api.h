// The functions of cuBLAS and cuDNN that are used, by the names of their headers without prefix.
//
// They are looked up when the first operations on a GPU are made, and not linked: the program starts, and
// trains on CPUs, on machines that have neither.
#pragma once

#include <cublas_v2.h>
#include <cudnn.h>

#include <string>

namespace sterna::tensor::cuda {

struct CublasApi {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasDestroy_v2) destroy;
  decltype(&cublasGetProperty) get_property;
  decltype(&cublasGetStatusString) get_status_string;
  decltype(&cublasSetMathMode) set_math_mode;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasSgemm_v2) sgemm;
  decltype(&cublasSgemmStridedBatched) sgemm_strided_batched;
};

struct CudnnApi {
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnCreateTensorDescriptor) create_tensor;
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor;
  decltype(&cudnnSetTensor4dDescriptor) set_tensor;
  decltype(&cudnnCreateFilterDescriptor) create_filter;
  decltype(&cudnnDestroyFilterDescriptor) destroy_filter;
  decltype(&cudnnSetFilter4dDescriptor) set_filter;
  decltype(&cudnnCreateConvolutionDescriptor) create_convolution;
  decltype(&cudnnDestroyConvolutionDescriptor) destroy_convolution;
  decltype(&cudnnSetConvolution2dDescriptor) set_convolution;
  decltype(&cudnnSetConvolutionGroupCount) set_convolution_groups;
  decltype(&cudnnSetConvolutionMathType) set_convolution_math;
  decltype(&cudnnGetConvolutionForwardWorkspaceSize) forward_workspace;
  decltype(&cudnnGetConvolutionBackwardDataWorkspaceSize) backward_data_workspace;
  decltype(&cudnnGetConvolutionBackwardFilterWorkspaceSize) backward_filter_workspace;
  decltype(&cudnnConvolutionForward) convolution_forward;
  decltype(&cudnnConvolutionBackwardData) convolution_backward_data;
  decltype(&cudnnConvolutionBackwardFilter) convolution_backward_filter;
};

// Each loads its library with the first call; it stays. Throw ConfigError with the loader's reason, for who
// is asked for a GPU to say so.
[[nodiscard]] const CublasApi& cublas_api();
[[nodiscard]] const CudnnApi& cudnn_api();

// "cuBLAS 13.1.0, cuDNN 9.19.0", as loaded. Throws ConfigError where one cannot be loaded, CommError where
// cuBLAS does not say.
[[nodiscard]] std::string library_versions();

}  // namespace sterna::tensor::cuda
