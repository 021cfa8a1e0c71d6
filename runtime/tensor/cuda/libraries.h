// The handles of cuBLAS and cuDNN on one stream, and their return codes as errors.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include "runtime/tensor/cuda/api.h"
#include "runtime/tensor/cuda/device_memory.h"

namespace sterna::tensor::cuda {

// Throw CommError with the call named, and what the library says of the code.
void check_cublas(cublasStatus_t code, const char* call);
void check_cudnn(cudnnStatus_t code, const char* call);

namespace detail {

struct DestroyCublas {
  void operator()(cublasHandle_t handle) const { cublas_api().destroy(handle); }
};
struct DestroyCudnn {
  void operator()(cudnnHandle_t handle) const { cudnn_api().destroy(handle); }
};

}  // namespace detail

// cuBLAS multiplies float32 as it is, without TF32, and in working memory of its own, so that a product of
// one shape gives the same bits each time.
class Libraries {
 public:
  // On this thread's current device. Throws ConfigError where a library cannot be loaded, CommError where one
  // refuses.
  explicit Libraries(cudaStream_t stream);

  [[nodiscard]] cublasHandle_t cublas() const { return cublas_.get(); }
  [[nodiscard]] cudnnHandle_t cudnn() const { return cudnn_.get(); }

 private:
  DeviceBytes workspace_;
  std::unique_ptr<std::remove_pointer_t<cublasHandle_t>, detail::DestroyCublas> cublas_;
  std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, detail::DestroyCudnn> cudnn_;
};

}  // namespace sterna::tensor::cuda
