// The ranks of a job, and byte blocks between them.
//
// A back-end moves blocks from rank to rank; everything collective is written once above it (collectives.h,
// ordered_sum.h). Blocks lie in the host's memory; those of a back-end for devices may lie in its device's
// too. So every byte that leaves a rank passes through start(), and is counted there; only what the vendor's
// own all-reduce sends is estimated.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/collectives/memory.h"

namespace sterna::collectives {

struct SendBlock {
  int peer;                          // in [0, ranks), not this rank
  std::span<const std::byte> bytes;  // stays valid and unchanged until wait() returns
};

struct ReceiveBlock {
  int peer;                    // in [0, ranks), not this rank
  std::span<std::byte> bytes;  // exactly as long as what the peer sends
};

// Blocks under way. One that is destroyed before wait() has returned gives its blocks up: whether they still
// travel is left open, and the communicator is good for nothing but being destroyed.
class Transfer {
 public:
  virtual ~Transfer() = default;

  // Returns when every block has left or arrived. Throws CommError, which names the peers still awaited, when
  // the communicator's time limit is over, and when a block's length is not what was sent.
  virtual void wait() = 0;

  // Returns when what is done in the blocks' memory from now on comes after them. In the host's memory that
  // is wait(). Over blocks of a device it need not wait: what goes wrong with them is then thrown by a later
  // wait, or by Memory::settle().
  virtual void wait_in_order() { wait(); }
};

// Bytes since the communicator was made.
struct Traffic {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  // The part of them that went to, or came from, ranks of other hosts.
  std::uint64_t network_bytes_sent = 0;
  std::uint64_t network_bytes_received = 0;
};

class Communicator {
 public:
  virtual ~Communicator() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;  // "single", "threads", "mpi", "nccl"
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int ranks() const = 0;

  // Says which ranks share a host; until then each rank is taken to have one of its own. What blocks have
  // moved before is counted anew, by the peers' hosts as they are known now.
  //   host_of_rank  [ranks] numbers, equal for ranks of one host
  void set_hosts(std::span<const int> host_of_rank);

  [[nodiscard]] int host_of(int rank) const;
  [[nodiscard]] std::vector<int> hosts_by_rank() const;  // [ranks] host_of() each

  // Begins to send and receive. Blocks between the same two ranks match in the order in which both posted
  // them. Empty blocks are allowed and cost nothing: both sides know them to be empty. Counted in traffic()
  // here, whether or not they arrive. A device runs transfers one after the other: what arrives in one must
  // not depend on what leaves in a later one.
  [[nodiscard]] std::unique_ptr<Transfer> start(std::span<const SendBlock> sends,
                                                std::span<const ReceiveBlock> receives);

  // Sums element by element over all ranks with the library's own all-reduce, in an order that may depend on
  // the number of ranks. Counted as 2 (P - 1) / P of the bytes, each way, which is what the bandwidth-optimal
  // algorithms move; as the network's where there is another host.
  void vendor_sum(std::span<float> values);

  // Whether another thread than the one that made it may use the communicator, one at a time.
  [[nodiscard]] virtual bool may_change_threads() const { return true; }

  // Ends the waits of this rank, those to come too, with CommError: for a rank that gives up while another of
  // its threads waits. May be called from any thread.
  virtual void abandon() = 0;

  // Whether a transfer has ended without success, so that the transport may still read and write its blocks:
  // their memory, and this communicator, must not go before the process does.
  [[nodiscard]] virtual bool has_given_up() const { return false; }

  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

  // The memory that this address lies in: the host's, unless the back-end has another.
  [[nodiscard]] virtual Memory& memory_of(const void* address);

 protected:
  virtual std::unique_ptr<Transfer> start_blocks(std::span<const SendBlock> sends,
                                                 std::span<const ReceiveBlock> receives) = 0;
  virtual void sum_in_any_order(std::span<float> values) = 0;

 private:
  Traffic traffic_;
  std::vector<int> host_of_rank_;        // empty until set_hosts()
  std::map<int, Traffic> before_hosts_;  // until then, by peer
  HostMemory host_memory_;
};

}  // namespace sterna::collectives
