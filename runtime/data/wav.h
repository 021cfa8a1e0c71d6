// Recordings: RIFF files of PCM samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace sterna::data {

inline constexpr std::uint32_t kSamplesPerSecond = 8000;

// The samples of a recording of one channel, 16 bits a sample, 8000 samples a second.
//
//   file  := "RIFF" u32 bytes that follow, "WAVE" chunk*
//   chunk := 4 bytes of name, u32 bytes, these bytes, and a zero where their number is odd
//
// There is one chunk "fmt ", of 16 bytes, and behind it one "data"; others are passed over. Throws
// ConfigError if the file cannot be read or is anything else, too short or too long included.
[[nodiscard]] std::vector<std::int16_t> read_wav(const std::filesystem::path& path);

}  // namespace sterna::data
