// Prints how many GPUs this process may use; or why there are none, with status 77.
#include <cstdio>

#include "runtime/collectives/nccl/device.h"

int main() {
  const auto devices = sterna::collectives::visible_devices();
  if (devices.count == 0) {
    std::puts(devices.why_none.c_str());
    return 77;
  }
  std::printf("%d\n", devices.count);
  return 0;
}
