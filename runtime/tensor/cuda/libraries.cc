#include "runtime/tensor/cuda/libraries.h"

#include "runtime/core/errors.h"

namespace sterna::tensor::cuda {
namespace {

// What cuBLAS's documentation recommends for Hopper; older GPUs want less.
constexpr std::size_t kCublasWorkspaceBytes = std::size_t{32} << 20;

int version_part(libraryPropertyType part) {
  int value = 0;
  check_cublas(cublas_api().get_property(part, &value), "cublasGetProperty");
  return value;
}

}  // namespace

void check_cublas(cublasStatus_t code, const char* call) {
  if (code == CUBLAS_STATUS_SUCCESS) return;
  throw CommError(cat("[device] ", call, " failed: ", cublas_api().get_status_string(code)));
}

void check_cudnn(cudnnStatus_t code, const char* call) {
  if (code == CUDNN_STATUS_SUCCESS) return;
  throw CommError(cat("[device] ", call, " failed: ", cudnn_api().get_error_string(code)));
}

Libraries::Libraries(cudaStream_t stream) : workspace_(allocate_device(kCublasWorkspaceBytes, stream)) {
  cublasHandle_t cublas = nullptr;
  check_cublas(cublas_api().create(&cublas), "cublasCreate");
  cublas_.reset(cublas);
  check_cublas(cublas_api().set_math_mode(cublas, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
  // Which takes a workspace away that was set before.
  check_cublas(cublas_api().set_stream(cublas, stream), "cublasSetStream");
  check_cublas(cublas_api().set_workspace(cublas, workspace_.get(), kCublasWorkspaceBytes),
               "cublasSetWorkspace");
  cudnnHandle_t cudnn = nullptr;
  check_cudnn(cudnn_api().create(&cudnn), "cudnnCreate");
  cudnn_.reset(cudnn);
  check_cudnn(cudnn_api().set_stream(cudnn, stream), "cudnnSetStream");
}

std::string library_versions() {
  const std::size_t cudnn = cudnn_api().get_version();  // 10000 major + 100 minor + patch
  return cat("cuBLAS ", version_part(MAJOR_VERSION), ".", version_part(MINOR_VERSION), ".",
             version_part(PATCH_LEVEL), ", cuDNN ", cudnn / 10000, ".", cudnn / 100 % 100, ".", cudnn % 100);
}

}  // namespace sterna::tensor::cuda
