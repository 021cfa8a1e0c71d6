// In the place of all else here, in a build without CUDA or cuDNN.
#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/cuda_operations.h"

namespace sterna::tensor::cuda {
namespace {

constexpr const char* kWhy = "this build has no CUDA with cuDNN";

ConfigError without_cuda() {
  return ConfigError(
      cat("[device] device = \"cuda\": ", kWhy, "; train with --device cpu, or build with both"));
}

}  // namespace

std::unique_ptr<CudaOperations> make_cuda_operations(int) {
  throw without_cuda();
}

std::string why_no_cuda_operations() {
  return kWhy;
}

std::string cuda_library_versions() {
  throw without_cuda();
}

}  // namespace sterna::tensor::cuda
