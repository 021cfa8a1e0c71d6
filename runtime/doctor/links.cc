#include "runtime/doctor/links.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>

#include "runtime/collectives/collectives.h"
#include "runtime/core/clock.h"
#include "runtime/core/median.h"

namespace sterna::doctor {
namespace {

constexpr int kRoundTrips = 40;
constexpr std::size_t kFirstBytes = std::size_t{1} << 16;
constexpr std::size_t kMostBytes = std::size_t{1} << 28;
// A rank without a partner in a round sleeps meanwhile: if it waited for the others, it would poll, and take
// the core from those that measure where ranks outnumber cores.
constexpr std::chrono::milliseconds kRound{300};
constexpr double kEnoughSeconds = 0.1;  // for start and end of a stream not to matter

double latency_to(collectives::Communicator& comm, int peer) {
  std::array<std::byte, 8> bytes{};
  std::vector<double> seconds;
  for (int i = 0; i < kRoundTrips; ++i) {
    const Stopwatch clock;
    collectives::send_block(comm, peer, bytes);
    collectives::receive_block(comm, peer, bytes);
    seconds.push_back(clock.seconds());
  }
  return median(std::move(seconds)) / 2.0;
}

void answer(collectives::Communicator& comm, int peer) {
  std::array<std::byte, 8> bytes{};
  for (int i = 0; i < kRoundTrips; ++i) {
    collectives::receive_block(comm, peer, bytes);
    collectives::send_block(comm, peer, bytes);
  }
}

// Sends more and more, until it takes long enough: the length first, 0 at the end; the peer answers with a
// byte.
double bandwidth_to(collectives::Communicator& comm, int peer) {
  std::vector<std::byte> bytes;
  std::byte done{};
  double seconds = 0.0;
  std::uint64_t length = kFirstBytes;
  for (;; length *= 2) {
    bytes.resize(length);
    collectives::send_block(comm, peer, std::as_bytes(std::span(&length, 1)));
    collectives::receive_block(comm, peer, std::span(&done, 1));  // the peer has its memory ready
    const Stopwatch clock;
    collectives::send_block(comm, peer, bytes);
    collectives::receive_block(comm, peer, std::span(&done, 1));
    seconds = clock.seconds();
    if (seconds >= kEnoughSeconds || length >= kMostBytes) break;
  }
  const std::uint64_t end = 0;
  collectives::send_block(comm, peer, std::as_bytes(std::span(&end, 1)));
  return static_cast<double>(length) / seconds;
}

void take_stream(collectives::Communicator& comm, int peer) {
  std::vector<std::byte> bytes;
  const std::byte done{};
  for (;;) {
    std::uint64_t length = 0;
    collectives::receive_block(comm, peer, std::as_writable_bytes(std::span(&length, 1)));
    if (length == 0) return;
    bytes.resize(length);
    collectives::send_block(comm, peer, std::span(&done, 1));
    collectives::receive_block(comm, peer, bytes);
    collectives::send_block(comm, peer, std::span(&done, 1));
  }
}

// What the first of the pair finds; the second does its part and knows nothing but the way back.
Link measure(collectives::Communicator& comm, int first, int second) {
  Link link{.first = first, .second = second};
  if (comm.rank() == first) {
    link.latency_seconds = latency_to(comm, second);
    link.bytes_per_second_out = bandwidth_to(comm, second);
    take_stream(comm, second);
    collectives::receive_block(comm, second,
                               std::as_writable_bytes(std::span(&link.bytes_per_second_back, 1)));
  } else {
    answer(comm, first);
    take_stream(comm, first);
    link.bytes_per_second_back = bandwidth_to(comm, first);
    collectives::send_block(comm, first, std::as_bytes(std::span(&link.bytes_per_second_back, 1)));
  }
  return link;
}

}  // namespace

// The circle method: the last one stays, the others move on by one place a round; with an odd number one
// rests.
std::vector<std::vector<std::pair<int, int>>> tournament(int n) {
  std::vector<std::vector<std::pair<int, int>>> rounds;
  const int places = n + n % 2;
  for (int round = 0; round + 1 < places; ++round) {
    std::vector<std::pair<int, int>>& pairs = rounds.emplace_back();
    for (int i = 0; i < places / 2; ++i) {
      const int a = i == 0 ? places - 1 : (round + i) % (places - 1);
      const int b = i == 0 ? round : (round - i + places - 1) % (places - 1);
      if (std::max(a, b) < n) pairs.emplace_back(std::min(a, b), std::max(a, b));
    }
  }
  return rounds;
}

std::vector<Link> measure_links(collectives::Communicator& comm, const std::vector<int>& ranks) {
  std::vector<Link> mine;
  for (const auto& round : tournament(static_cast<int>(ranks.size()))) {
    bool is_idle = true;
    for (const auto& [a, b] : round) {
      const int first = ranks[static_cast<std::size_t>(a)];
      const int second = ranks[static_cast<std::size_t>(b)];
      if (comm.rank() != first && comm.rank() != second) continue;
      is_idle = false;
      const Link link = measure(comm, first, second);
      if (comm.rank() == first) mine.push_back(link);
    }
    if (is_idle) std::this_thread::sleep_for(kRound);
    collectives::barrier(comm);
  }
  collectives::GatheredBlocks gathered;
  collectives::all_gather_unequal(comm, std::as_bytes(std::span(mine)), gathered);
  std::vector<Link> all(gathered.bytes.size() / sizeof(Link));
  std::ranges::copy(gathered.bytes, std::as_writable_bytes(std::span(all)).begin());
  std::ranges::sort(all, {}, [](const Link& link) { return std::pair(link.first, link.second); });
  return all;
}

}  // namespace sterna::doctor
