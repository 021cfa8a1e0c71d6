// Operations on an NVIDIA GPU: products by cuBLAS, convolutions by cuDNN, all else by own kernels. Tensors
// are plain: [B, channels, height, width] or [..., features].
//
// In a build without CUDA or cuDNN these are there too, and say so.
#pragma once

#include <memory>

#include "runtime/tensor/operations.h"

struct CUstream_st;  // what a cudaStream_t points to

namespace sterna::tensor::cuda {

class CudaOperations : public Operations {
 public:
  // On which everything is enqueued; it lives as long as these operations and their memory.
  [[nodiscard]] virtual CUstream_st* stream() const = 0;
};

// On that GPU, which becomes this thread's current device; a thread that calls them must have the same.
// Throws ConfigError where this build has none, or where cuBLAS or cuDNN cannot be loaded; CommError where
// the driver refuses.
[[nodiscard]] std::unique_ptr<CudaOperations> make_cuda_operations(int device);

// Why there can be none here: the loader's reason and what to do, or what this build lacks; for a message
// that says who asked. Empty where libraries are no obstacle.
[[nodiscard]] std::string why_no_cuda_operations();

// "cuBLAS 13.1.0, cuDNN 9.19.0". Throws as make_cuda_operations() does.
[[nodiscard]] std::string cuda_library_versions();

}  // namespace sterna::tensor::cuda
