// At the end of a program that runs over the stand-in for CUDA: nothing was done wrong, and nothing is left.
#include <gmock/gmock.h>

#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {
namespace {

class Leftovers : public testing::Environment {
 public:
  void TearDown() override {
    EXPECT_THAT(take_mistakes(), testing::IsEmpty());
    const Living left = living();
    EXPECT_EQ(left.allocations, 0u);
    EXPECT_EQ(left.streams, 0u);
    EXPECT_EQ(left.events, 0u);
    EXPECT_EQ(left.communicators, 0u);
    EXPECT_EQ(left.library_objects, 0u);
  }
};

[[maybe_unused]] const testing::Environment* const kLeftovers =
    testing::AddGlobalTestEnvironment(new Leftovers);

}  // namespace
}  // namespace sterna::cuda_stand_in
