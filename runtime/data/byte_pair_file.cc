// The file of a vocabulary.
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "runtime/core/errors.h"
#include "runtime/data/byte_pairs.h"
#include "runtime/data/byte_source.h"

namespace sterna::data {
namespace {

constexpr std::string_view kMagic = "byte-pairs 1";
constexpr std::string_view kLegal = "must be a file that --vocabulary has written";
constexpr std::size_t kMostSymbols = std::size_t{1} << 20;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& found) {
  throw ConfigError(cat("[data] ", path.string(), " = ", found, ": ", kLegal,
                        "; remove it, and the vocabulary is learned again"));
}

std::string printable(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (char c : bytes) {
    if (c > ' ' && c <= '~' && c != '\\') {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'\\', 'x', kDigits[byte / 16], kDigits[byte % 16]};
    }
  }
  return text;
}

// Takes a number and the character behind it from the front; false if they are not there.
bool take(std::string_view& text, char behind, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != behind) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

// The pairs of a file; their texts are compared once there is a vocabulary to ask. A line shows a text with
// at least a character a byte: pairs whose text is longer than their line are none, however much it would
// take to write it out.
std::vector<SymbolPair> parse_merges(const std::filesystem::path& path, std::string_view text,
                                     std::size_t merges) {
  std::vector<SymbolPair> pairs;
  std::set<std::pair<std::size_t, std::size_t>> seen;
  std::vector<std::size_t> lengths(static_cast<std::size_t>(kFirstMerge), 1);  // of texts, by symbol
  for (std::size_t i = 0; i < merges; ++i) {
    std::size_t left = 0;
    std::size_t right = 0;
    const std::size_t below = static_cast<std::size_t>(kFirstMerge) + i;
    const bool is_pair = take(text, ' ', left) && take(text, ' ', right) && left >= 3 && right >= 3 &&
                         left < below && right < below && seen.emplace(left, right).second;
    const std::size_t end = text.find('\n');
    if (!is_pair || end == std::string_view::npos) refuse(path, cat("no pair of symbols in line ", i + 2));
    lengths.push_back(lengths[left] + lengths[right]);
    if (lengths.back() > end) refuse(path, cat("a text that is not its pair's in line ", i + 2));
    text.remove_prefix(end + 1);
    pairs.push_back({static_cast<std::int32_t>(left), static_cast<std::int32_t>(right)});
  }
  if (!text.empty()) refuse(path, cat(text.size(), " bytes behind the last of ", merges, " merges"));
  return pairs;
}

}  // namespace

std::string to_text(const BytePairs& vocabulary) {
  std::string text = cat(kMagic, ' ', vocabulary.wanted(), ' ', vocabulary.merges().size(), '\n');
  for (const SymbolPair& pair : vocabulary.merges()) {
    const std::string joined = vocabulary.text(pair.left) + vocabulary.text(pair.right);
    text += cat(pair.left, ' ', pair.right, ' ', printable(joined), '\n');
  }
  return text;
}

BytePairs read_byte_pairs(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::string_view text = bytes;
  std::size_t wanted = 0;
  std::size_t merges = 0;
  if (!text.starts_with(kMagic)) refuse(path, "another kind of file");
  text.remove_prefix(kMagic.size());
  const bool has_head = text.starts_with(' ') && (text.remove_prefix(1), take(text, ' ', wanted)) &&
                        take(text, '\n', merges) && wanted <= kMostSymbols && merges <= wanted &&
                        static_cast<std::size_t>(kFirstMerge) + merges <= wanted;
  if (!has_head) refuse(path, "no numbers of symbols and merges in line 1");
  BytePairs vocabulary(parse_merges(path, text, merges), wanted);
  if (to_text(vocabulary) != bytes) refuse(path, "texts that are not those of the pairs before them");
  return vocabulary;
}

void write_byte_pairs(const std::filesystem::path& path, const BytePairs& vocabulary) {
  const std::filesystem::path temporary = cat(path.string(), ".", ::getpid());
  std::ofstream file(temporary, std::ios::binary);
  file << to_text(vocabulary);
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (file && !error) return;
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);
  throw ConfigError(cat("[data] vocabulary = ", path.string(),
                        ": must be a file that can be written; make its directory, or name another one"));
}

}  // namespace sterna::data
