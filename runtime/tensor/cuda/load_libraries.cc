#include <dlfcn.h>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/api.h"

namespace sterna::tensor::cuda {
namespace {

struct Library {
  std::string file;  // as the loader knows it
  const char* name;
  int major;
};

ConfigError cannot_load(const Library& library, const std::string& what) {
  const char* reason = ::dlerror();
  return ConfigError(cat("cannot load ", what, " (", reason == nullptr ? "no reason given" : reason,
                         "); install ", library.name, " ", library.major,
                         ", or name its directory in LD_LIBRARY_PATH"));
}

class Functions {
 public:
  explicit Functions(Library library)
      : library_(std::move(library)), handle_(::dlopen(library_.file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw cannot_load(library_, library_.file);
  }

  template <typename Function>
  void look_up(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(::dlsym(handle_, name));
    if (function == nullptr) throw cannot_load(library_, cat(name, " of ", library_.file));
  }

 private:
  Library library_;
  void* handle_;
};

CublasApi load_cublas() {
  const Functions from(
      {.file = cat("libcublas.so.", CUBLAS_VER_MAJOR), .name = "cuBLAS", .major = CUBLAS_VER_MAJOR});
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
  const Functions from({.file = cat("libcudnn.so.", CUDNN_MAJOR), .name = "cuDNN", .major = CUDNN_MAJOR});
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
