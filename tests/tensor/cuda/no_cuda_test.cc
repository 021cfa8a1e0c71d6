// A build without CUDA or cuDNN: who asks for a GPU is told so.
#include <gmock/gmock.h>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/cuda_operations.h"

namespace sterna::tensor::cuda {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(NoCudaOperations, SayWhatThisBuildLacks) {
  const auto says = AllOf(HasSubstr("this build has no CUDA with cuDNN"), HasSubstr("--device cpu"));
  EXPECT_THAT([] { (void)make_cuda_operations(0); }, ThrowsMessage<ConfigError>(says));
  EXPECT_THAT([] { (void)cuda_library_versions(); }, ThrowsMessage<ConfigError>(says));
  EXPECT_EQ(why_no_cuda_operations(), "this build has no CUDA with cuDNN");
}

}  // namespace
}  // namespace sterna::tensor::cuda
