// A vocabulary of byte pairs: the symbols of text, learned from text.
//
//   symbol := 0 padding | 1 begin of sentence | 2 end of sentence | 3 + byte | 259 + merge
//
// Each merge joins two earlier symbols. Bytes are symbols themselves, so that any text can be encoded, and
// decoding gives back its bytes. Merges do not cross the pieces that text is cut into: a run of letters, of
// digits or of other characters, with the one space before it. Characters beyond ASCII are letters here.
//
// Source: Sennrich et al., "Neural machine translation of rare words with subword units", ACL 2016.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sterna::data {

inline constexpr std::int32_t kPadding = 0;
inline constexpr std::int32_t kBegin = 1;
inline constexpr std::int32_t kEnd = 2;
inline constexpr std::int32_t kFirstByte = 3;
inline constexpr std::int32_t kFirstMerge = kFirstByte + 256;

struct SymbolPair {
  std::int32_t left;
  std::int32_t right;

  bool operator==(const SymbolPair&) const = default;
};

struct SymbolPairHash {
  std::size_t operator()(const SymbolPair& pair) const noexcept {
    return std::hash<std::uint64_t>()(std::uint64_t{static_cast<std::uint32_t>(pair.left)} << 32 |
                                      static_cast<std::uint32_t>(pair.right));
  }
};

class BytePairs {
 public:
  // Merge i becomes symbol kFirstMerge + i; its pair is of lower symbols, and occurs once in the list.
  //   wanted  symbols that were asked for, >= kFirstMerge + merges
  BytePairs(std::vector<SymbolPair> merges, std::size_t wanted);

  [[nodiscard]] std::size_t symbols() const { return texts_.size(); }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }
  [[nodiscard]] std::span<const SymbolPair> merges() const { return merges_; }

  // The bytes that a symbol stands for; none for padding, begin and end.
  [[nodiscard]] const std::string& text(std::int32_t symbol) const;

  // The symbols of a text, without begin and end: in each piece, the earliest merge that applies comes first.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;

  // The bytes of the symbols, one after the other.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> symbols) const;

 private:
  void encode_piece(std::string_view piece, std::vector<std::int32_t>& symbols) const;

  std::vector<SymbolPair> merges_;
  std::size_t wanted_;
  std::vector<std::string> texts_;                                              // of each symbol
  std::unordered_map<SymbolPair, std::int32_t, SymbolPairHash> merged_symbol_;  // of each merge
};

// Calls visit(piece) for each piece of a text, in order; together they are the text.
void for_each_piece(std::string_view text, const std::function<void(std::string_view)>& visit);

// Joins the most frequent pair of adjacent symbols, over and over, until there are `wanted` symbols or no
// pair occurs twice. Of equally frequent pairs the one whose left text, then right text, comes first in the
// order of bytes is joined. The same lines give the same vocabulary, on any machine.
//   wanted  >= kFirstMerge
[[nodiscard]] BytePairs learn_byte_pairs(std::span<const std::string> lines, std::size_t wanted);

// A vocabulary as a text file, and back:
//
//   file := "byte-pairs 1 " wanted " " merges "\n" merge*
//   merge := left " " right " " text "\n"    ; text is there for people: bytes that are no printable ASCII,
//                                            ; space and backslash are written \xHH
[[nodiscard]] std::string to_text(const BytePairs& vocabulary);

// Throws ConfigError if the file cannot be read, or is not what to_text() writes.
[[nodiscard]] BytePairs read_byte_pairs(const std::filesystem::path& path);

// Replaces the file in one go, so that nobody ever reads a part of it. Throws ConfigError.
void write_byte_pairs(const std::filesystem::path& path, const BytePairs& vocabulary);

}  // namespace sterna::data
