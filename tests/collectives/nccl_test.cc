// The contract over NCCL, on as many ranks as mpirun starts: blocks in the device's memory, and in the
// host's.
#include "tests/collectives/device_blocks.h"

namespace sterna::collectives {
namespace {

using std::chrono::milliseconds;

const DeviceBlocks kDeviceBlocks;

Backend nccl(const std::string& name, const BlockMemory& memory) {
  return {.name = name,
          .transport = "nccl",
          .run =
              [](const auto& body, milliseconds time_limit) {
                const auto control = make_mpi(time_limit);
                body(*make_nccl(*control, time_limit));
              },
          .memory = &memory};
}

INSTANTIATE_TEST_SUITE_P(Nccl, CommunicatorContract,
                         testing::Values(nccl("nccl_device", kDeviceBlocks), nccl("nccl_host", kHostBlocks)),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sterna::collectives
