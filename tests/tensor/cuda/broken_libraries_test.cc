// A machine whose cuBLAS cannot be loaded: the loader finds an empty file first.
#include <gmock/gmock.h>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/cuda_operations.h"

namespace sterna::tensor::cuda {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

TEST(BrokenCudaLibraries, AreReportedInOneLineThatSaysWhatToDo) {
  const auto says = AllOf(HasSubstr("cannot load libcublas.so"), HasSubstr("file too short"),
                          HasSubstr("or name its directory in LD_LIBRARY_PATH"));
  EXPECT_THAT(why_no_cuda_operations(), says);
  EXPECT_THAT([] { (void)make_cuda_operations(0); },
              ThrowsMessage<ConfigError>(AllOf(says, StartsWith("[device] device = \"cuda\": cannot load"),
                                               HasSubstr("train with --device cpu"))));
}

}  // namespace
}  // namespace sterna::tensor::cuda
