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

// With three digits: "1.50 ms", "2.33 MB".
[[nodiscard]] std::string duration_text(double seconds);
[[nodiscard]] std::string bytes_text(double bytes);

// With up to three digits: "10 Gbit/s, 50 us".
[[nodiscard]] std::string link_text(double bits_per_second, double latency_seconds);

// `value` with so many significant digits; those behind the point that are zeros kept, or not.
[[nodiscard]] std::string number_text(double value, int digits);
[[nodiscard]] std::string plain_number_text(double value, int digits);

}  // namespace sterna::projection
