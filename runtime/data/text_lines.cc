#include "runtime/data/text_lines.h"

#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"

namespace sterna::data {
namespace {

// Bytes of the character that a text begins with; 0 if it begins with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool is_too_long = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool is_surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool is_too_high = first == 0xF4 && byte(1) >= 0x90;
  return is_too_long || is_surrogate || is_too_high ? 0 : bytes;
}

void require_text(const std::filesystem::path& path, std::string_view line, std::size_t number) {
  if (line.empty()) refuse_file(path, cat("line ", number, " is empty"), "each line must hold a sentence");
  const std::size_t whole = utf8_bytes(line);
  if (whole == line.size()) return;
  refuse_file(path, cat("byte ", whole + 1, " of line ", number, " is not UTF-8"), "must be UTF-8 text");
}

}  // namespace

std::size_t utf8_bytes(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t character = character_bytes(bytes.substr(at));
    if (character == 0) break;
    at += character;
  }
  return at;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    std::string_view line = std::string_view(bytes).substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    require_text(path, line, lines.size() + 1);
    lines.emplace_back(line);
    at = end + 1;
  }
  if (lines.empty()) refuse_file(path, "empty", "must hold a sentence on each line");
  return lines;
}

}  // namespace sterna::data
