// cuBLAS and cuDNN themselves, which are loaded when they are asked for; they need no GPU for that.
#include <gmock/gmock.h>

#include <string>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/api.h"
#include "runtime/tensor/cuda/cuda_operations.h"

namespace sterna::tensor::cuda {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CudaLibraries, AreOfTheVersionsThatTheHeadersAreOf) {
  EXPECT_EQ(why_no_cuda_operations(), "");
  EXPECT_EQ(cudnn_api().get_version() / 10000, static_cast<std::size_t>(CUDNN_MAJOR));
  EXPECT_THAT(cuda_library_versions(), StartsWith("cuBLAS " + std::to_string(CUBLAS_VER_MAJOR) + "."));
  EXPECT_THAT(cuda_library_versions(), HasSubstr(", cuDNN " + std::to_string(CUDNN_MAJOR) + "."));
}

}  // namespace
}  // namespace sterna::tensor::cuda
