// One short text for all that a directory holds, to compare copies of data on several hosts.
#pragma once

#include <filesystem>
#include <string>

namespace sterna::doctor {

// "N files, B bytes, hash H": a 64-bit hash (XXH3) of the relative paths, lengths and contents of all regular
// files under the directory, in the order of their paths; links are followed, other things are passed over.
// Reads everything. Throws ConfigError if the directory is not there, or something in it cannot be read.
[[nodiscard]] std::string data_digest(const std::filesystem::path& directory);

}  // namespace sterna::doctor
