#include "runtime/evaluation/tokenise.h"

#include <array>

namespace sterna::evaluation {
namespace {

// Unicode's white space beyond ASCII, in UTF-8.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

// Bytes of the white space that `text` begins with; 0 if there is none.
std::size_t space_bytes(std::string_view text) {
  const char c = text.front();
  if (c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1C' && c <= '\x1F')) return 1;
  for (std::string_view space : kWideSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_stop(char c) {
  return c == '.' || c == ',';
}

// ASCII punctuation but for apostrophe, comma, hyphen and full stop; the expression of mteval-v13a.pl has
// them as
// {-~ [-` space-& (-+ :-@ /.
bool is_separate(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

std::string separate_punctuation(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_separate(c)) {
      out += {' ', c, ' '};
    } else {
      out += c;
    }
  }
  return out;
}

// One substitution of the script, left to right, without overlap: where a first and a second character stand
// side by side, spaces come between them and about them.
struct Rule {
  bool (*is_first)(char);
  bool (*is_second)(char);
  bool space_before;  // the first
  bool space_after;   // the second
};

std::string apply(const Rule& rule, std::string_view text) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    const bool is_match = i + 1 < text.size() && rule.is_first(text[i]) && rule.is_second(text[i + 1]);
    if (!is_match) {
      out += text[i++];
      continue;
    }
    if (rule.space_before) out += ' ';
    out += {text[i], ' ', text[i + 1]};
    if (rule.space_after) out += ' ';
    i += 2;
  }
  return out;
}

// Bytes of a character beyond ASCII are no digits and no punctuation, so that working byte by byte cuts where
// working character by character would.
constexpr std::array kRules = {
    Rule{[](char c) { return !is_digit(c); }, is_stop, /*space_before=*/false, /*space_after=*/true},
    Rule{is_stop, [](char c) { return !is_digit(c); }, /*space_before=*/true, /*space_after=*/false},
    Rule{is_digit, [](char c) { return c == '-'; }, /*space_before=*/false, /*space_after=*/true}};

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  while (!text.empty()) {
    const std::size_t bytes = space_bytes(text);
    if (bytes == 0) {
      word += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
    text.remove_prefix(bytes);
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

std::vector<std::string> tokenise_13a(std::string_view text) {
  std::string line(text);
  replace_all(line, "<skipped>", "");
  replace_all(line, "-\n", "");
  replace_all(line, "\n", " ");
  replace_all(line, "&quot;", "\"");
  replace_all(line, "&amp;", "&");
  replace_all(line, "&lt;", "<");
  replace_all(line, "&gt;", ">");
  line.insert(line.begin(), ' ');  // the rules look at neighbours
  line += ' ';
  line = separate_punctuation(line);
  for (const Rule& rule : kRules) line = apply(rule, line);
  return split_words(line);
}

}  // namespace sterna::evaluation
