// Numbers as people read them.
#pragma once

#include <string>

namespace sterna {

// `value`, finite, with so many significant digits; those behind the point that are zeros kept, or not.
[[nodiscard]] std::string number_text(double value, int digits);
[[nodiscard]] std::string plain_number_text(double value, int digits);

// "0.9905", "-0.0003", with so many decimal places; NaN and infinity are "not known".
[[nodiscard]] std::string fixed_text(double value, int decimals);

// With three digits: "1.50 ms", "2.33 MB".
[[nodiscard]] std::string duration_text(double seconds);
[[nodiscard]] std::string bytes_text(double bytes);

// With up to three digits: "10 Gbit/s, 50 us".
[[nodiscard]] std::string link_text(double bits_per_second, double latency_seconds);

// With up to three digits: "2 kB".
[[nodiscard]] std::string plain_bytes_text(double bytes);

}  // namespace sterna
