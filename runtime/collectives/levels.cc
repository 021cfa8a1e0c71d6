#include "runtime/collectives/levels.h"

#include <algorithm>

#include "runtime/collectives/on_host.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

constexpr std::size_t kLengthBytes = 8;

std::size_t index(int rank) {
  return static_cast<std::size_t>(rank);
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_length(std::vector<std::byte>& to, std::size_t length) {
  to.resize(to.size() + kLengthBytes);
  store<std::uint64_t>(to, to.size() - kLengthBytes, length);
}

// A block that begins with the lengths of its parts, 8 bytes each, which follow one after the other.
class Parts {
 public:
  Parts(std::span<const std::byte> block, std::size_t count) : block_(block), offsets_(count + 1) {
    if (block.size() < count * kLengthBytes) throw CommError("[collectives] a host's block is cut short");
    offsets_[0] = count * kLengthBytes;
    for (std::size_t i = 0; i < count; ++i) {
      const auto length = load<std::uint64_t>(block, i * kLengthBytes);
      if (length > block.size() - offsets_[i]) throw CommError("[collectives] a host's block is cut short");
      offsets_[i + 1] = offsets_[i] + length;
    }
    if (offsets_[count] != block.size()) throw CommError("[collectives] a host's block is too long");
  }

  [[nodiscard]] std::span<const std::byte> operator[](std::size_t i) const {
    return block_.subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

 private:
  std::span<const std::byte> block_;
  std::vector<std::size_t> offsets_;
};

}  // namespace

std::string why_not_two_levels(std::span<const int> host_of_rank) {
  std::vector<int> order;            // of hosts, by their first ranks
  std::vector<std::size_t> lengths;  // of runs of ranks on one host
  for (std::size_t rank = 0; rank < host_of_rank.size(); ++rank) {
    const bool goes_on = rank > 0 && host_of_rank[rank] == host_of_rank[rank - 1];
    if (goes_on) {
      ++lengths.back();
      continue;
    }
    if (std::ranges::find(order, host_of_rank[rank]) != order.end()) {
      return cat("rank ", rank,
                 " is on the host of an earlier rank that is not its neighbour: ranks of one host must be ",
                 "consecutive; try hierarchy = flat, or mpirun --map-by slot");
    }
    order.push_back(host_of_rank[rank]);
    lengths.push_back(1);
  }
  const auto other = std::ranges::find_if(lengths, [&](std::size_t n) { return n != lengths.front(); });
  if (other == lengths.end()) return "";
  return cat("one host has ", lengths.front(), " ranks and another ", *other,
             ": each must have as many; try hierarchy = flat, or mpirun --map-by ppr:", lengths.front(),
             ":node");
}

Levels::Levels(Communicator& all) : all_(&all) {}

Levels Levels::two(Communicator& all) {
  Levels levels(all);
  std::vector<int> neighbours;
  std::vector<int> firsts;
  for (int rank = 0; rank < all.ranks(); ++rank) {
    if (all.host_of(rank) == all.host_of(all.rank())) neighbours.push_back(rank);
    if (rank == 0 || all.host_of(rank) != all.host_of(rank - 1)) firsts.push_back(rank);
  }
  STERNA_CHECK(neighbours.size() * firsts.size() == index(all.ranks()));
  const bool speaks = neighbours.front() == all.rank();
  levels.host_ = std::make_unique<SubsetCommunicator>(all, std::move(neighbours));
  if (speaks) levels.speakers_ = std::make_unique<SubsetCommunicator>(all, std::move(firsts));
  return levels;
}

void Levels::broadcast(int root, std::span<std::byte> bytes) {
  if (!are_two()) {
    collectives::broadcast(*all_, root, bytes);
    return;
  }
  const int host = host_index(root);
  const int root_on_host = root - first_of_host(host);
  if (host_index(all_->rank()) == host && root_on_host != 0) {
    if (host_->rank() == root_on_host) send_block(*host_, 0, bytes);
    if (is_speaker()) receive_block(*host_, root_on_host, bytes);
  }
  if (is_speaker()) collectives::broadcast(*speakers_, host, bytes);
  collectives::broadcast(*host_, 0, bytes);
}

void Levels::ordered_sum(std::span<float> values, const OrderedSumOptions& options) {
  if (!are_two()) {
    collectives::ordered_sum(*all_, values, options);
    return;
  }
  STERNA_CHECK(options.in_any_order == false);
  sum_to_first(*host_, values);
  if (is_speaker()) {
    OrderedSumOptions between = options;
    if (ranks_per_host() > 1) between.to_owner = numerics::ValueFormat::kFloat32;
    collectives::ordered_sum(*speakers_, values, between);
  }
  collectives::broadcast(*host_, 0, std::as_writable_bytes(values));
}

void Levels::all_gather_unequal(std::span<const std::byte> mine, GatheredBlocks& gathered) {
  if (!are_two()) {
    collectives::all_gather_unequal(*all_, mine, gathered);
    return;
  }
  gather_to_first(*host_, mine, from_ranks_);
  gathered.offsets.assign(index(all_->ranks()) + 1, 0);
  if (is_speaker()) {
    leaving_.clear();
    for (int rank = 0; rank < host_->ranks(); ++rank) append_length(leaving_, from_ranks_.block(rank).size());
    append(leaving_, from_ranks_.bytes);
    collectives::all_gather_unequal(*speakers_, leaving_, from_hosts_);
    gathered.bytes.clear();
    std::size_t rank = 0;
    for (int host = 0; host < hosts(); ++host) {
      const Parts parts(from_hosts_.block(host), index(ranks_per_host()));
      for (std::size_t i = 0; i < index(ranks_per_host()); ++i, ++rank) {
        append(gathered.bytes, parts[i]);
        gathered.offsets[rank + 1] = gathered.bytes.size();
      }
    }
  }
  collectives::broadcast(*host_, 0, std::as_writable_bytes(std::span(gathered.offsets)));
  gathered.bytes.resize(gathered.offsets.back());
  collectives::broadcast(*host_, 0, gathered.bytes);
}

void Levels::all_to_all_unequal(std::span<const std::span<const std::byte>> mine, GatheredBlocks& received) {
  if (!are_two()) {
    collectives::all_to_all_unequal(*all_, mine, received);
    return;
  }
  STERNA_CHECK(mine.size() == index(all_->ranks()));
  const int first = first_of_host(host_index(all_->rank()));
  collectives::all_to_all_unequal(*host_, mine.subspan(index(first), index(ranks_per_host())),
                                  from_own_host_);
  send_to_hosts(mine);
  deal_to_ranks(received);
}

// Blocks for other hosts: each rank hands them to its speaker, speakers exchange them, and each has in
// from_hosts_ the blocks of each host's ranks for each of its own: sender by sender.
void Levels::send_to_hosts(std::span<const std::span<const std::byte>> mine) {
  const int own = host_index(all_->rank());
  const auto m = index(ranks_per_host());
  leaving_.clear();
  for (int rank = 0; rank < all_->ranks(); ++rank) {
    if (host_index(rank) != own) append_length(leaving_, mine[index(rank)].size());
  }
  for (int rank = 0; rank < all_->ranks(); ++rank) {
    if (host_index(rank) != own) append(leaving_, mine[index(rank)]);
  }
  gather_to_first(*host_, leaving_, from_ranks_);
  if (!is_speaker()) return;

  std::vector<Parts> by_sender;
  for (int rank = 0; rank < host_->ranks(); ++rank) {
    by_sender.emplace_back(from_ranks_.block(rank), index(all_->ranks()) - m);
  }
  to_hosts_.resize(index(hosts()));
  for (std::vector<std::byte>& block : to_hosts_) block.clear();
  for (int host = 0; host < hosts(); ++host) {
    if (host == own) continue;
    std::vector<std::byte>& block = to_hosts_[index(host)];
    const std::size_t begin = index(host < own ? host : host - 1) * m;  // among the ranks of other hosts
    for (const Parts& parts : by_sender) {
      for (std::size_t to = begin; to < begin + m; ++to) append_length(block, parts[to].size());
    }
    for (const Parts& parts : by_sender) {
      for (std::size_t to = begin; to < begin + m; ++to) append(block, parts[to]);
    }
  }
  const std::vector<std::span<const std::byte>> outgoing(to_hosts_.begin(), to_hosts_.end());
  collectives::all_to_all_unequal(*speakers_, outgoing, from_hosts_);
}

// Each rank receives from its speaker what came for it, sender by sender, and puts it in rank order with what
// came from its own host.
void Levels::deal_to_ranks(GatheredBlocks& received) {
  const int own = host_index(all_->rank());
  const auto m = index(ranks_per_host());
  to_ranks_.resize(is_speaker() ? m : 0);
  for (std::vector<std::byte>& block : to_ranks_) block.clear();
  if (is_speaker()) {
    std::vector<Parts> by_host;
    for (int host = 0; host < hosts(); ++host) {
      by_host.emplace_back(from_hosts_.block(host), host == own ? 0 : m * m);
    }
    for (std::size_t to = 0; to < m; ++to) {
      for (const bool lengths : {true, false}) {
        for (int host = 0; host < hosts(); ++host) {
          for (std::size_t from = 0; host != own && from < m; ++from) {
            const std::span<const std::byte> block = by_host[index(host)][from * m + to];
            lengths ? append_length(to_ranks_[to], block.size()) : append(to_ranks_[to], block);
          }
        }
      }
    }
  }
  scatter_from_first(*host_, to_ranks_, leaving_);

  const Parts from_others(leaving_, index(all_->ranks()) - m);
  received.bytes.clear();
  received.offsets.assign(1, 0);
  std::size_t other = 0;
  for (int rank = 0; rank < all_->ranks(); ++rank) {
    append(received.bytes,
           host_index(rank) == own ? from_own_host_.block(rank - first_of_host(own)) : from_others[other++]);
    received.offsets.push_back(received.bytes.size());
  }
}

}  // namespace sterna::collectives
