#include "runtime/collectives/hosts.h"

#include <unistd.h>

#include <algorithm>

#include "runtime/collectives/collectives.h"

namespace sterna::collectives {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::vector<std::string> learn_hosts(Communicator& comm) {
  std::vector<std::string> names = all_gather_text(comm, host_name());
  std::vector<int> host_of_rank;
  for (const std::string& name : names) {
    host_of_rank.push_back(static_cast<int>(std::ranges::find(names, name) - names.begin()));
  }
  comm.set_hosts(host_of_rank);
  return names;
}

}  // namespace sterna::collectives
