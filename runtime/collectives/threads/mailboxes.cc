#include "runtime/collectives/threads/mailboxes.h"

#include <algorithm>
#include <utility>

#include "runtime/collectives/failures.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {

Mailboxes::Mailboxes(int ranks, std::chrono::milliseconds time_limit)
    : ranks_(ranks),
      time_limit_(time_limit),
      mailboxes_(static_cast<std::size_t>(ranks) * static_cast<std::size_t>(ranks)) {}

Mailboxes::Mailbox& Mailboxes::mailbox(int from, int to) {
  return mailboxes_[static_cast<std::size_t>(from) * static_cast<std::size_t>(ranks_) +
                    static_cast<std::size_t>(to)];
}

bool Mailboxes::has_arrived(int rank, const PostedReceive& receive) {
  return mailbox(receive.peer, rank).blocks.contains(receive.ordinal);
}

void Mailboxes::send(int from, int to, std::span<const std::byte> bytes) {
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  {
    const std::lock_guard lock(mutex_);
    Mailbox& box = mailbox(from, to);
    box.blocks.emplace(box.sent++, std::move(copy));
  }
  changed_.notify_all();
}

std::uint64_t Mailboxes::post_receive(int from, int to) {
  const std::lock_guard lock(mutex_);
  return mailbox(from, to).asked_for++;
}

void Mailboxes::wait(int rank, std::span<const PostedReceive> receives) {
  const std::vector<std::vector<std::byte>> blocks = take(rank, receives);
  for (std::size_t i = 0; i < receives.size(); ++i) {
    if (blocks[i].size() != receives[i].bytes.size()) {
      throw wrong_length(rank, receives[i].peer, cat(blocks[i].size()), receives[i].bytes.size());
    }
    std::ranges::copy(blocks[i], receives[i].bytes.begin());
  }
}

std::vector<std::vector<std::byte>> Mailboxes::take(int rank, std::span<const PostedReceive> receives) {
  const auto arrived = [&](const PostedReceive& receive) { return has_arrived(rank, receive); };
  const auto all_arrived = [&] { return std::ranges::all_of(receives, arrived); };

  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time_limit_, [&] { return has_failed_ || all_arrived(); });
  if (!all_arrived()) {
    if (has_failed_) {
      throw CommError(
          cat("[collectives] rank ", rank, ": given up, as another rank has failed; see its error"));
    }
    std::vector<AwaitedBlock> awaited;
    for (const PostedReceive& receive : receives) {
      if (arrived(receive)) continue;
      awaited.push_back({.peer = receive.peer, .bytes = receive.bytes.size(), .is_receive = true});
    }
    throw time_limit_is_over(rank, time_limit_, awaited);
  }
  std::vector<std::vector<std::byte>> blocks;
  blocks.reserve(receives.size());
  for (const PostedReceive& receive : receives) {
    blocks.push_back(std::move(mailbox(receive.peer, rank).blocks.extract(receive.ordinal).mapped()));
  }
  return blocks;
}

void Mailboxes::fail() {
  {
    const std::lock_guard lock(mutex_);
    has_failed_ = true;
  }
  changed_.notify_all();
}

}  // namespace sterna::collectives
