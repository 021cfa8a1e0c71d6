// The JSON header of a Safetensors file, by itself: text to entries and back. See safetensors.h for the
// grammar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/record/safetensors.h"

namespace sterna::record {

inline constexpr std::uint64_t kSafetensorsLengthBytes = 8;  // of the number before the header
inline constexpr std::uint64_t kMostSafetensorsHeaderBytes =
    100'000'000;  // as the format's own library has it

struct SafetensorsHeader {
  SafetensorsMetadata metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of their offsets, which count from the first value
};

// Throws ConfigError, which begins with the path, if this is no header of a file with so many bytes of
// values.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(const std::filesystem::path& path,
                                                         std::string_view text, std::uint64_t value_bytes);

// The header of F32 tensors that lie one after the other in this order, length and padding included.
[[nodiscard]] std::string safetensors_header_of(std::span<const SafetensorsTensor> tensors,
                                                const SafetensorsMetadata& metadata);

// "[record] PATH = FOUND: LEGAL", or "[record] PATH, tensor "NAME" = FOUND: LEGAL".
[[noreturn]] void refuse_safetensors(const std::filesystem::path& path, std::string_view tensor,
                                     const std::string& found, const std::string& legal);

}  // namespace sterna::record
