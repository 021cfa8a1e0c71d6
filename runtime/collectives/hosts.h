// Which ranks share a host.
#pragma once

#include <string>
#include <vector>

#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

// This machine's name.
[[nodiscard]] std::string host_name();

// Every rank's host name, in rank order; the communicator knows from now on which ranks share a host, under
// the number of the host's first rank. Collective.
std::vector<std::string> learn_hosts(Communicator& comm);

}  // namespace sterna::collectives
