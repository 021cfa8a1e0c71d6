// What every back-end of Communicator must do. The cases stand in *_contract.cc; a test program instantiates
// them with its back-end, on as many ranks as it has.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
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

// Where a back-end's blocks lie, seen from a test: in the host's memory, or a device's.
class BlockMemory {
 public:
  virtual ~BlockMemory() = default;
  [[nodiscard]] virtual std::byte* allocate(std::size_t bytes) const = 0;
  virtual void free(std::byte* address) const = 0;
  // Both see, and are seen by, what the communicator has enqueued before and enqueues after.
  virtual void write(std::span<const std::byte> from, std::byte* to) const = 0;
  virtual void read(const std::byte* from, std::span<std::byte> to) const = 0;
};

class HostBlocks : public BlockMemory {
 public:
  [[nodiscard]] std::byte* allocate(std::size_t bytes) const override { return new std::byte[bytes]; }
  void free(std::byte* address) const override { delete[] address; }
  void write(std::span<const std::byte> from, std::byte* to) const override { std::ranges::copy(from, to); }
  void read(const std::byte* from, std::span<std::byte> to) const override {
    std::copy_n(from, to.size(), to.begin());
  }
};
inline const HostBlocks kHostBlocks;

// Runs a body on all ranks of a back-end, here: those ranks of it that this process hosts.
struct Backend {
  std::string name;       // of the instance: "threads3"
  std::string transport;  // what name() must return
  std::function<void(const std::function<void(Communicator&)>& body, std::chrono::milliseconds time_limit)>
      run;
  const BlockMemory* memory = &kHostBlocks;
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

// Values where the blocks of the back-end under test lie.
template <typename Value>
class Values {
 public:
  explicit Values(const std::vector<Value>& contents)
      : values_(contents.size()),
        address_(memory().allocate(contents.size() * sizeof(Value)), Free{&memory()}) {
    memory().write(std::as_bytes(std::span(contents)), address_.get());
  }
  explicit Values(std::size_t values = 0) : Values(std::vector<Value>(values)) {}

  [[nodiscard]] std::span<Value> span() const { return {reinterpret_cast<Value*>(address_.get()), values_}; }
  [[nodiscard]] std::vector<Value> read() const { return read(span()); }

  // Of any part of what lies there.
  [[nodiscard]] static std::vector<Value> read(std::span<const Value> values) {
    std::vector<Value> contents(values.size());
    memory().read(reinterpret_cast<const std::byte*>(values.data()),
                  std::as_writable_bytes(std::span(contents)));
    return contents;
  }
  static void write(std::span<const Value> contents, std::span<Value> values) {
    memory().write(std::as_bytes(contents), reinterpret_cast<std::byte*>(values.data()));
  }

 private:
  struct Free {
    const BlockMemory* memory;
    void operator()(std::byte* address) const { memory->free(address); }
  };

  [[nodiscard]] static const BlockMemory& memory() { return *CommunicatorContract::GetParam().memory; }

  std::size_t values_;
  std::unique_ptr<std::byte, Free> address_;
};
using Block = Values<std::byte>;

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
