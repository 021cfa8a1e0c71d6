// Byte blocks between threads of one process: for each pair of ranks, a queue of blocks in the order of their
// sending.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

namespace sterna::collectives {

// A receive that was posted. `ordinal` counts the blocks between the two ranks: receives match sends by it,
// so that transfers may be waited for in any order.
struct PostedReceive {
  int peer;
  std::uint64_t ordinal;
  std::span<std::byte> bytes;
};

// Shared by all ranks; every function may be called from any thread.
class Mailboxes {
 public:
  Mailboxes(int ranks, std::chrono::milliseconds time_limit);

  [[nodiscard]] int ranks() const { return ranks_; }

  // Puts a copy of `bytes` where rank `to` finds it: senders never wait.
  void send(int from, int to, std::span<const std::byte> bytes);

  // Returns the ordinal of the next block from `from` to `to` that nobody has asked for.
  [[nodiscard]] std::uint64_t post_receive(int from, int to);

  // Returns when all `receives` of `rank` are filled. Throws CommError: time limit, wrong length, or fail().
  void wait(int rank, std::span<const PostedReceive> receives);

  // Ends all waits, those to come too, with CommError. For when a rank gives up.
  void fail();

 private:
  struct Mailbox {
    std::map<std::uint64_t, std::vector<std::byte>> blocks;  // by ordinal
    std::uint64_t sent = 0;
    std::uint64_t asked_for = 0;
  };

  [[nodiscard]] Mailbox& mailbox(int from, int to);
  [[nodiscard]] bool has_arrived(int rank, const PostedReceive& receive);
  [[nodiscard]] std::vector<std::vector<std::byte>> take(int rank, std::span<const PostedReceive> receives);

  const int ranks_;
  const std::chrono::milliseconds time_limit_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<Mailbox> mailboxes_;  // [ranks * ranks], sender by sender
  bool has_failed_ = false;
};

}  // namespace sterna::collectives
