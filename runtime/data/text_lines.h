// The lines of a text file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sterna::data {

// Bytes of the longest front of `bytes` that is whole UTF-8 (RFC 3629: no surrogates, nothing longer than it
// need be, nothing above U+10FFFF); bytes.size() where all of it is.
[[nodiscard]] std::size_t utf8_bytes(std::string_view bytes);

// The lines of a file, plain or gzip, without their line breaks. Throws ConfigError, which names the line, if
// the file cannot be read, has no line, or has a line that is empty or no UTF-8.
[[nodiscard]] std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace sterna::data
