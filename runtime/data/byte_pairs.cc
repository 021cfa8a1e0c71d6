#include "runtime/data/byte_pairs.h"

#include <algorithm>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::data {
namespace {

enum class Kind { kLetter, kDigit, kOther };

Kind kind_of(char c) {
  const bool is_ascii_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (is_ascii_letter || static_cast<unsigned char>(c) >= 0x80) return Kind::kLetter;
  return c >= '0' && c <= '9' ? Kind::kDigit : Kind::kOther;
}

// The one space before it, and a run of one kind; or the space alone.
std::size_t piece_bytes(std::string_view text) {
  std::size_t end = text.front() == ' ' ? 1 : 0;
  if (end == text.size() || text[end] == ' ') return 1;
  const Kind kind = kind_of(text[end]);
  while (end < text.size() && text[end] != ' ' && kind_of(text[end]) == kind) ++end;
  return end;
}

}  // namespace

void for_each_piece(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    const std::size_t bytes = piece_bytes(text);
    visit(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

BytePairs::BytePairs(std::vector<SymbolPair> merges, std::size_t wanted)
    : merges_(std::move(merges)), wanted_(wanted), texts_(static_cast<std::size_t>(kFirstByte)) {
  STERNA_CHECK((static_cast<std::size_t>(kFirstMerge) + merges_.size()) <= wanted);
  for (int byte = 0; byte < 256; ++byte) texts_.emplace_back(1, static_cast<char>(byte));
  for (const SymbolPair& pair : merges_) {
    const auto symbol = static_cast<std::int32_t>(texts_.size());
    STERNA_CHECK(std::min(pair.left, pair.right) >= kFirstByte);
    STERNA_CHECK(std::max(pair.left, pair.right) < symbol);
    texts_.push_back(text(pair.left) + text(pair.right));
    STERNA_CHECK(merged_symbol_.emplace(pair, symbol).second == true);
  }
}

const std::string& BytePairs::text(std::int32_t symbol) const {
  STERNA_CHECK(symbol >= 0);
  STERNA_CHECK(static_cast<std::size_t>(symbol) < texts_.size());
  return texts_[static_cast<std::size_t>(symbol)];
}

void BytePairs::encode_piece(std::string_view piece, std::vector<std::int32_t>& symbols) const {
  const auto first = static_cast<std::ptrdiff_t>(symbols.size());
  for (char byte : piece) symbols.push_back(kFirstByte + static_cast<unsigned char>(byte));
  while (true) {
    // The earliest merge that applies.
    std::int32_t merged = static_cast<std::int32_t>(texts_.size());
    for (auto at = symbols.begin() + first; at + 1 < symbols.end(); ++at) {
      const auto found = merged_symbol_.find({at[0], at[1]});
      if (found != merged_symbol_.end()) merged = std::min(merged, found->second);
    }
    if (static_cast<std::size_t>(merged) == texts_.size()) return;
    const SymbolPair& pair = merges_[static_cast<std::size_t>(merged - kFirstMerge)];
    auto to = symbols.begin() + first;
    for (auto from = to; from < symbols.end(); ++to) {
      const bool is_pair = from + 1 < symbols.end() && SymbolPair{from[0], from[1]} == pair;
      *to = is_pair ? merged : *from;
      from += is_pair ? 2 : 1;
    }
    symbols.erase(to, symbols.end());
  }
}

std::vector<std::int32_t> BytePairs::encode(std::string_view text) const {
  std::vector<std::int32_t> symbols;
  for_each_piece(text, [&](std::string_view piece) { encode_piece(piece, symbols); });
  return symbols;
}

std::string BytePairs::decode(std::span<const std::int32_t> symbols) const {
  std::string decoded;
  for (std::int32_t symbol : symbols) decoded += text(symbol);
  return decoded;
}

}  // namespace sterna::data
