// What every back-end of Communicator must do. The cases stand in *_contract.cc; a test program instantiates
// them with its back-end, on as many ranks as it has.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/rng.h"

namespace sterna::collectives {

// Runs a body on all ranks of a back-end, here: those ranks of it that this process hosts.
struct Backend {
  std::string name;       // of the instance: "threads3"
  std::string transport;  // what name() must return
  std::function<void(const std::function<void(Communicator&)>& body, std::chrono::milliseconds time_limit)>
      run;
};

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

class CommunicatorContract : public testing::TestWithParam<Backend> {
 protected:
  static void on_all_ranks(const std::function<void(Communicator&)>& body) {
    GetParam().run(body, std::chrono::seconds(120));
  }
};

using Lengths = std::vector<std::size_t>;
inline const Lengths kBlockBytes = {0, 1, 7, 8, 9, 1000, (std::size_t{1} << 20) + 3};

// A byte that tells sender, receiver, block and place apart: each takes part through a different odd factor.
inline std::byte byte_at(int from, int to, std::size_t block, std::size_t place) {
  const auto mixed =
      static_cast<std::uint32_t>(from) * 0x9e3779b1u + static_cast<std::uint32_t>(to) * 0x85ebca6bu +
      static_cast<std::uint32_t>(block) * 0xc2b2ae35u + static_cast<std::uint32_t>(place) * 0x27d4eb2fu;
  return static_cast<std::byte>(mixed >> 24);
}

inline std::vector<std::byte> block_between(int from, int to, std::size_t block, std::size_t bytes) {
  std::vector<std::byte> made(bytes);
  for (std::size_t i = 0; i < bytes; ++i) made[i] = byte_at(from, to, block, i);
  return made;
}

inline std::vector<int> peers_of(const Communicator& comm) {
  std::vector<int> peers;
  for (int peer = 0; peer < comm.ranks(); ++peer) {
    if (peer != comm.rank()) peers.push_back(peer);
  }
  return peers;
}

inline std::size_t ranks_of(const Communicator& comm) {
  return static_cast<std::size_t>(comm.ranks());
}
inline std::size_t rank_of(const Communicator& comm) {
  return static_cast<std::size_t>(comm.rank());
}

// What the counters of `comm` grew by since `before`.
inline Traffic traffic_since(const Traffic& before, const Communicator& comm) {
  return {.bytes_sent = comm.traffic().bytes_sent - before.bytes_sent,
          .bytes_received = comm.traffic().bytes_received - before.bytes_received};
}

}  // namespace sterna::collectives
