// NCCL's own library, which is loaded when it is asked for; it needs no GPU for that.
#include <gmock/gmock.h>

#include <cstring>

#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/nccl/api.h"
#include "runtime/collectives/nccl/device.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(NcclLibrary, IsOneThatHasNonBlockingCommunicators) {
  int version = 0;
  EXPECT_EQ(nccl_api().get_version(&version), ncclSuccess);
  EXPECT_GE(version, NCCL_VERSION(2, 14, 0));
  EXPECT_THAT(nccl_api().get_error_string(ncclInvalidUsage), HasSubstr("invalid usage"));
}

TEST(NcclLibrary, MakesAnotherIdEachTime) {
  ncclUniqueId first{}, second{};
  ASSERT_EQ(nccl_api().get_unique_id(&first), ncclSuccess);
  ASSERT_EQ(nccl_api().get_unique_id(&second), ncclSuccess);
  EXPECT_NE(std::memcmp(&first, &second, sizeof first), 0);
}

// The real runtime and, where there is one, the real driver.
TEST(NcclLibrary, IsUsedWhereThereIsAGpuAndSaysWhyElsewhere) {
  const auto control = make_single();
  if (visible_devices().count > 0) {
    EXPECT_EQ(make_nccl(*control)->ranks(), 1);
  } else {
    EXPECT_THAT([&] { (void)make_nccl(*control); },
                ThrowsMessage<AgreedConfigError>(HasSubstr("no GPU can be used (cudaError")));
  }
}

}  // namespace
}  // namespace sterna::collectives
