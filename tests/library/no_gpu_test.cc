// The interface for gradients in a GPU's memory, of a library that was built without CUDA.
#include <gmock/gmock.h>

#include "runtime/collectives/make_communicator.h"
#include "sterna/device_exchange.h"

namespace sterna {
namespace {

TEST(NoGpu, SaysThatTheLibraryWasBuiltWithoutCuda) {
  EXPECT_FALSE(collectives::has_nccl());
  World world;
  EXPECT_THAT([&] { DeviceExchange(world, {{.name = "weight", .elements = 3}}); },
              testing::ThrowsMessage<AgreedConfigError>(testing::AllOf(
                  testing::HasSubstr("gradients in a GPU's memory: this build has no NCCL"),
                  testing::HasSubstr("-DSTERNA_CUDA=ON"), testing::HasSubstr("hand sterna::Exchange"))));
}

}  // namespace
}  // namespace sterna
