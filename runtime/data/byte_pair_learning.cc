// learn_byte_pairs(). Counts of pairs are kept up to date merge by merge: only pieces that hold the joined
// pair are counted again.
#include <algorithm>
#include <map>
#include <queue>
#include <tuple>
#include <utility>

#include "runtime/core/errors.h"
#include "runtime/data/byte_pairs.h"

namespace sterna::data {
namespace {

struct Piece {
  std::vector<std::int32_t> symbols;
  std::uint64_t occurrences;
};

struct Occurrences {
  std::uint64_t count = 0;
  std::vector<std::size_t> pieces;  // that have held the pair; not all of them may hold it still
};

// A pair with the count that it had when it was put in the queue.
struct Candidate {
  std::uint64_t count;
  SymbolPair pair;
};

class Learner {
 public:
  explicit Learner(std::span<const std::string> lines) : texts_(static_cast<std::size_t>(kFirstByte)) {
    for (int byte = 0; byte < 256; ++byte) texts_.emplace_back(1, static_cast<char>(byte));
    std::map<std::string, std::uint64_t, std::less<>> counts;
    for (const std::string& line : lines) {
      for_each_piece(line, [&](std::string_view piece) {
        const auto found = counts.find(piece);
        found == counts.end() ? void(counts.emplace(piece, 1)) : void(++found->second);
      });
    }
    for (const auto& [text, occurrences] : counts) {
      Piece& piece = pieces_.emplace_back(Piece{.symbols = {}, .occurrences = occurrences});
      for (char byte : text) piece.symbols.push_back(kFirstByte + static_cast<unsigned char>(byte));
      count(pieces_.size() - 1);
    }
    enqueue_touched();
  }

  // The most frequent pair that occurs at least twice; nothing if there is none.
  const SymbolPair* most_frequent() {
    while (!queue_.empty()) {
      best_ = queue_.top().pair;
      const std::uint64_t then = queue_.top().count;
      queue_.pop();
      const auto found = pairs_.find(best_);
      if (found != pairs_.end() && found->second.count == then) return then >= 2 ? &best_ : nullptr;
    }
    return nullptr;
  }

  void join(const SymbolPair& pair) {
    const auto merged = static_cast<std::int32_t>(texts_.size());
    texts_.push_back(text(pair.left) + text(pair.right));
    std::vector<std::size_t> holders = std::move(pairs_.at(pair).pieces);
    std::ranges::sort(holders);
    holders.erase(std::unique(holders.begin(), holders.end()), holders.end());
    for (std::size_t number : holders) {
      discount(number);
      join_in(pieces_[number].symbols, pair, merged);
      count(number);
    }
    enqueue_touched();
  }

 private:
  static void join_in(std::vector<std::int32_t>& symbols, const SymbolPair& pair, std::int32_t merged) {
    std::size_t to = 0;
    for (std::size_t from = 0; from < symbols.size(); ++to) {
      const bool is_pair = from + 1 < symbols.size() && SymbolPair{symbols[from], symbols[from + 1]} == pair;
      symbols[to] = is_pair ? merged : symbols[from];
      from += is_pair ? 2 : 1;
    }
    symbols.resize(to);
  }

  void count(std::size_t number) {
    const Piece& piece = pieces_[number];
    for (std::size_t i = 0; i + 1 < piece.symbols.size(); ++i) {
      const SymbolPair pair{piece.symbols[i], piece.symbols[i + 1]};
      Occurrences& occurrences = pairs_[pair];
      occurrences.count += piece.occurrences;
      occurrences.pieces.push_back(number);
      touched_.push_back(pair);
    }
  }

  void discount(std::size_t number) {
    const Piece& piece = pieces_[number];
    for (std::size_t i = 0; i + 1 < piece.symbols.size(); ++i) {
      const SymbolPair pair{piece.symbols[i], piece.symbols[i + 1]};
      pairs_.at(pair).count -= piece.occurrences;
      touched_.push_back(pair);
    }
  }

  void enqueue_touched() {
    std::ranges::sort(touched_, {}, [](const SymbolPair& p) { return std::pair(p.left, p.right); });
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const SymbolPair& pair : touched_) {
      const std::uint64_t now = pairs_.at(pair).count;
      if (now > 0) {
        queue_.push({now, pair});
      } else {
        pairs_.erase(pair);
      }
    }
    touched_.clear();
  }

  const std::string& text(std::int32_t symbol) const { return texts_[static_cast<std::size_t>(symbol)]; }

  // Orders the queue: the pair that is to be joined last comes first. Two symbols may have the same text.
  struct IsJoinedLater {
    const Learner* learner;

    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.count != b.count) return a.count < b.count;
      const auto key = [this](const SymbolPair& p) {
        return std::tuple<const std::string&, const std::string&, std::int32_t, std::int32_t>(
            learner->text(p.left), learner->text(p.right), p.left, p.right);
      };
      return key(a.pair) > key(b.pair);
    }
  };

  std::vector<std::string> texts_;  // of each symbol
  std::vector<Piece> pieces_;       // each different one
  std::unordered_map<SymbolPair, Occurrences, SymbolPairHash> pairs_;
  std::vector<SymbolPair> touched_;  // whose counts have changed since they were put in the queue
  std::priority_queue<Candidate, std::vector<Candidate>, IsJoinedLater> queue_{IsJoinedLater{this}};
  SymbolPair best_{};
};

}  // namespace

BytePairs learn_byte_pairs(std::span<const std::string> lines, std::size_t wanted) {
  STERNA_CHECK(wanted >= static_cast<std::size_t>(kFirstMerge));
  Learner learner(lines);
  std::vector<SymbolPair> merges;
  while (static_cast<std::size_t>(kFirstMerge) + merges.size() < wanted) {
    const SymbolPair* pair = learner.most_frequent();
    if (pair == nullptr) break;
    merges.push_back(*pair);
    learner.join(merges.back());
  }
  return {std::move(merges), wanted};
}

}  // namespace sterna::data
