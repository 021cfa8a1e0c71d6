// The kernels on a GPU, over the table of compressors; ends with 77 where there is none, which CTest counts
// as skipped.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/compressors/gpu/cuda_machine.h"
#include "tests/compressors/gpu/equality.h"

namespace sterna::compressors::gpu {
namespace {

// A GPU has no turns of threads to wait for: layers of many blocks too.
constexpr std::size_t kLengths[] = {0, 1, 33, 1000, 4097, 100003, 1000003};

class CudaEquality : public testing::TestWithParam<CompressorEntry> {};

TEST_P(CudaEquality, GivesTheSameBytesAndBits) {
  compare_lengths<CudaMachine>(GetParam(), kLengths);
}

INSTANTIATE_TEST_SUITE_P(Registered, CudaEquality, testing::ValuesIn(compressor_table()),
                         [](const auto& test) { return std::string(test.param.name); });
}  // namespace
}  // namespace sterna::compressors::gpu

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU (%s)\n", cudaGetErrorName(error));
    return 77;
  }
  return RUN_ALL_TESTS();
}
