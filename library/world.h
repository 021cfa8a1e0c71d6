// What a World consists of. Internal to the library: nothing of it is installed.
#pragma once

#include <memory>

#include "runtime/collectives/make_communicator.h"
#include "sterna/exchange.h"

namespace sterna {

class World::Implementation {
 public:
  explicit Implementation(std::chrono::milliseconds time_limit);

  std::chrono::milliseconds time_limit;
  std::unique_ptr<collectives::MpiSession> session;  // null where MPI is somebody else's, or not needed
  std::unique_ptr<collectives::Communicator> comm;   // goes before the session does
};

}  // namespace sterna
