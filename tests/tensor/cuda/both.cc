// main() of these tests: ends with 77, which CTest counts as skipped, where there is no GPU, or not the
// libraries for one.
#include "tests/tensor/cuda/both.h"

#include <cuda_runtime_api.h>

#include <cstdio>
#include <memory>

namespace sterna::tensor::cuda {
namespace {

std::unique_ptr<CudaOperations>& the_operations() {
  static std::unique_ptr<CudaOperations> operations;
  return operations;
}

}  // namespace

Operations& device_operations() {
  if (!the_operations()) the_operations() = make_cuda_operations(0);
  return *the_operations();
}

// Before the check of what the stand-in has left.
class Shutdown : public testing::Environment {
 public:
  void TearDown() override { the_operations().reset(); }
};

}  // namespace sterna::tensor::cuda

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  const std::string missing = sterna::tensor::cuda::why_no_cuda_operations();
  if (error != cudaSuccess || devices == 0 || !missing.empty()) {
    std::printf("skipped: no GPU (%s%s%s)\n", cudaGetErrorName(error), missing.empty() ? "" : "; ",
                missing.c_str());
    return 77;
  }
  testing::AddGlobalTestEnvironment(new sterna::tensor::cuda::Shutdown);
  return RUN_ALL_TESTS();
}
