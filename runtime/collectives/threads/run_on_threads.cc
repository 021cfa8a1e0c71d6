// Ranks as threads of one process. A sent block is copied at once, so a transfer may be dropped at any time.
#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/threads/mailboxes.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

class ThreadTransfer : public Transfer {
 public:
  ThreadTransfer(Mailboxes& mailboxes, int rank, std::vector<PostedReceive> receives)
      : mailboxes_(mailboxes), rank_(rank), receives_(std::move(receives)) {}

  void wait() override { mailboxes_.wait(rank_, std::exchange(receives_, {})); }

 private:
  Mailboxes& mailboxes_;
  const int rank_;
  std::vector<PostedReceive> receives_;
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(Mailboxes& mailboxes, int rank) : mailboxes_(mailboxes), rank_(rank) {}

  [[nodiscard]] std::string_view name() const override { return "threads"; }
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int ranks() const override { return mailboxes_.ranks(); }
  void abandon() override { mailboxes_.fail(); }

 private:
  std::unique_ptr<Transfer> start_blocks(std::span<const SendBlock> sends,
                                         std::span<const ReceiveBlock> receives) override {
    std::vector<PostedReceive> posted;
    posted.reserve(receives.size());
    for (const ReceiveBlock& block : receives) {
      posted.push_back({block.peer, mailboxes_.post_receive(block.peer, rank_), block.bytes});
    }
    for (const SendBlock& block : sends) mailboxes_.send(rank_, block.peer, block.bytes);
    return std::make_unique<ThreadTransfer>(mailboxes_, rank_, std::move(posted));
  }

  // There is no vendor: everyone sends everything to all, and adds from rank 0 upwards.
  void sum_in_any_order(std::span<float> values) override {
    const auto p = static_cast<std::size_t>(ranks());
    std::vector<float> all(p * values.size());
    std::vector<SendBlock> sends;
    std::vector<ReceiveBlock> receives;
    for (int peer = 0; peer < ranks(); ++peer) {
      const auto block =
          std::span(all).subspan(static_cast<std::size_t>(peer) * values.size(), values.size());
      if (peer == rank_) {
        std::copy(values.begin(), values.end(), block.begin());
      } else {
        sends.push_back({peer, std::as_bytes(values)});
        receives.push_back({peer, std::as_writable_bytes(block)});
      }
    }
    start_blocks(sends, receives)->wait();
    std::copy_n(all.begin(), values.size(), values.begin());
    for (std::size_t i = values.size(); i < all.size(); ++i) values[i % values.size()] += all[i];
  }

  Mailboxes& mailboxes_;
  const int rank_;
};

// Keeps the exception that came first.
class FirstException {
 public:
  void keep(std::exception_ptr exception) {
    const std::lock_guard lock(mutex_);
    if (first_ == nullptr) first_ = std::move(exception);
  }
  void rethrow_if_any() const {
    if (first_ != nullptr) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace

void run_on_threads(int ranks, const std::function<void(Communicator&)>& body,
                    std::chrono::milliseconds time_limit) {
  STERNA_CHECK(ranks >= 1);
  Mailboxes mailboxes(ranks, time_limit);
  FirstException first;
  const auto run_rank = [&](int rank) {
    try {
      ThreadCommunicator comm(mailboxes, rank);
      body(comm);
    } catch (...) {
      first.keep(std::current_exception());  // before fail(): what it causes in others comes later
      mailboxes.fail();
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (int rank = 0; rank < ranks; ++rank) threads.emplace_back(run_rank, rank);
    } catch (...) {  // no more threads to be had
      first.keep(std::current_exception());
      mailboxes.fail();
    }
  }
  first.rethrow_if_any();
}

}  // namespace sterna::collectives
