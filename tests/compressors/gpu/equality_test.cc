// Kernels give the bytes and bits of the compressor of their name, whatever the order of threads and blocks.
// It goes over the table of compressors: one without kernels fails.
#include "tests/compressors/gpu/equality.h"

#include <gtest/gtest.h>

#include <string>

namespace sterna::compressors::gpu {
namespace {

#ifdef __SANITIZE_THREAD__  // a switch of threads takes a hundred times as long
constexpr std::size_t kLengths[] = {0, 33};
#else
constexpr std::size_t kLengths[] = {0, 1, 7, 31, 32, 33, 255, 1000};
#endif

class KernelEquality : public testing::TestWithParam<CompressorEntry> {};

TEST_P(KernelEquality, HasKernels) {
  ASSERT_TRUE(Pair<HostMachine>(GetParam(), {.elements = 9}, {}).has_kernels())
      << GetParam().name << " has no kernels: compressors/gpu/registry.h lists those that have";
}

TEST_P(KernelEquality, GivesTheSameBytesAndBits) {
  compare_lengths<HostMachine>(GetParam(), kLengths);
}

#ifndef __SANITIZE_THREAD__
TEST_P(KernelEquality, GivesTheSameBytesAndBitsOverSeveralTiles) {
  constexpr std::size_t kLength = 4097;
  for (const Content content : {Content::kNormal, Content::kTies, Content::kSpread}) {
    const LayerKind kind = content == Content::kTies ? LayerKind::kConvolution : LayerKind::kFullyConnected;
    SCOPED_TRACE(testing::Message() << "content " << static_cast<int>(content));
    for (const std::size_t setting : {0u, 3u}) {
      const LayerShape shape{.elements = kLength, .kind = kind};
      Pair<HostMachine>(GetParam(), shape, settings()[setting].options).compare_steps(content);
      if (HasFatalFailure()) return;
    }
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Registered, KernelEquality, testing::ValuesIn(compressor_table()),
                         [](const auto& test) { return std::string(test.param.name); });
}  // namespace
}  // namespace sterna::compressors::gpu
