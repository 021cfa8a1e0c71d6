// Numbers as people write them on a command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sterna::projection {

// Words between commas. Throws ConfigError if one is empty.
//   flag  for messages, such as "ranks"
[[nodiscard]] std::vector<std::string> split_list(std::string_view flag, const std::string& text);

// "100mbit", "2.5gbit": bits a second. Throws ConfigError.
[[nodiscard]] double parse_bandwidth(const std::string& text);

// "50us", "1.5ms", "2s", "800ns": seconds, 0 or more. Throws ConfigError.
[[nodiscard]] double parse_duration(std::string_view flag, const std::string& text);

// "2,8,32", "2..1024" (doubling, and the end), or both: ascending, each once. Throws ConfigError.
[[nodiscard]] std::vector<std::uint32_t> parse_ranks(const std::string& text);

}  // namespace sterna::projection
