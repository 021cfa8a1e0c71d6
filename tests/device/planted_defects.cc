// planted_defects right|wrong NAME: runs one kernel of planted_defects.h, for a sanitizer to look at. What
// only a sanitizer can see has no other result than its report.
#include <cstdio>
#include <string_view>
#include <vector>

#include "runtime/device/host_context.h"
#include "tests/device/planted_defects.h"

namespace sterna::device::planted {
namespace {

constexpr unsigned kBlocks = 2;

template <Is kIs>
bool run(std::string_view name) {
  HostLauncher launch;
  std::vector<unsigned> out(kBlocks * 64);
  if (name == "neighbour-in-block") {
    launch(NeighbourInBlock<kIs>{}, kBlocks, out.data());
  } else if (name == "neighbour-in-warp") {
    launch(NeighbourInWarp<kIs>{}, kBlocks, out.data());
  } else if (name == "count-blocks") {
    launch(CountBlocks<kIs>{}, kBlocks, out.data());
  } else if (name == "past-the-end") {
    launch(PastTheEnd<kIs>{}, 1, out.data());
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace sterna::device::planted

int main(int argc, char** argv) {
  using sterna::device::planted::Is;
  const std::string_view is = argc == 3 ? argv[1] : "";
  const bool has_run = is == "right"   ? sterna::device::planted::run<Is::kRight>(argv[2])
                       : is == "wrong" ? sterna::device::planted::run<Is::kWrong>(argv[2])
                                       : false;
  if (!has_run) std::fputs("planted_defects right|wrong NAME: no such kernel\n", stderr);
  return has_run ? 0 : 2;
}
