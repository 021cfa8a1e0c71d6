// Blocks under way over MPI.
#pragma once

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/collectives/communicator.h"
#include "runtime/collectives/failures.h"

namespace sterna::collectives {

// Longer blocks travel as several messages, which MPI keeps in order. Our launchers let Open MPI send
// messages of up to 256 KiB, its header included, unasked over links of up to 1 Gbit/s; longer ones it asks
// for piece by piece, in requests that queue behind the other way's pieces. A sum of 1 MB on two hosts took
// 152, 137 and 154 ms over 100 Mbit/s in messages as long as the blocks, and 85, 85 and 86 ms in these (the
// link's limit is 80); 100 MB over 1 Gbit/s 0.87 to 0.89 s, and 0.84 s. Over faster links and in shared
// memory there was no difference that could be told.
inline constexpr std::size_t kMostMessageBytes = std::size_t{240} * 1024;

// The whole job as one rank sees it.
struct MpiJob {
  MPI_Comm comm;
  int rank;
  int ranks;
  std::chrono::milliseconds time_limit;
  const std::atomic<bool>* is_abandoned;
  std::atomic<bool>* has_given_up;  // set by a transfer that ends without having succeeded
};

class MpiTransfer : public Transfer {
 public:
  explicit MpiTransfer(const MpiJob& job) : job_(job) {}

  // Gives up what is unfinished: receives are cancelled, sends are left to MPI. This happens only on the way
  // to the job's end, for an error has left wait().
  ~MpiTransfer() override;
  MpiTransfer(const MpiTransfer&) = delete;
  MpiTransfer& operator=(const MpiTransfer&) = delete;

  void send(const SendBlock& block);
  void receive(const ReceiveBlock& block);

  // Takes part in a sum over all ranks, in place. Non-blocking, for the sake of the time limit.
  void sum(std::span<float> values);

  void wait() override;

 private:
  // A block, or a part of it.
  struct Message {
    AwaitedBlock awaited;
    std::size_t offset;  // in the block
    std::size_t block_bytes;
  };

  // Completes what can be completed without waiting. Returns how many requests that were, or -1 if none is
  // left.
  int test();
  void check_received(const Message& message, const MPI_Status& status) const;
  void throw_if_another_length_came(const Message& message) const;
  [[noreturn]] void throw_other_length(const Message& message, int came) const;
  [[noreturn]] void give_up() const;
  MPI_Request& new_request(const Message& message);

  const MpiJob job_;
  bool has_succeeded_ = false;
  std::vector<MPI_Request> requests_;  // MPI_REQUEST_NULL once complete
  std::vector<Message> messages_;      // what each request is for
  std::vector<int> completed_;         // of the last test()
  std::vector<MPI_Status> statuses_;
};

}  // namespace sterna::collectives
