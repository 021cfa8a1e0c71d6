#include "runtime/doctor/data_digest.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/hash.h"

namespace sterna::doctor {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> regular_files(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(directory, fs::directory_options::follow_directory_symlink)) {
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(directory));
  }
  std::ranges::sort(files);
  return files;
}

void add_text(Hash& hash, const std::string& text) {
  hash.add(std::as_bytes(std::span(text)));
  hash.add(std::as_bytes(std::span("", 1)));  // so that one name's end is not the next one's beginning
}

std::uint64_t add_file(Hash& hash, const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(cat("[doctor] data-dir: cannot read ", path.string()));
  std::vector<char> piece(1u << 20);
  std::uint64_t bytes = 0;
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    const auto length = static_cast<std::size_t>(file.gcount());
    hash.add(std::as_bytes(std::span(piece.data(), length)));
    bytes += length;
  }
  if (file.bad()) throw ConfigError(cat("[doctor] data-dir: cannot read ", path.string()));
  return bytes;
}

}  // namespace

std::string data_digest(const fs::path& directory) {
  if (!fs::is_directory(directory)) {
    throw ConfigError(cat("[doctor] data-dir = ", directory.string(), ": is no directory here"));
  }
  Hash hash;
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  try {
    for (const fs::path& file : regular_files(directory)) {
      add_text(hash, file.generic_string());
      const std::uint64_t length = add_file(hash, directory / file);
      add_text(hash, cat(length));
      bytes += length;
      ++count;
    }
  } catch (const fs::filesystem_error& error) {
    throw ConfigError(cat("[doctor] data-dir: ", error.what()));
  }
  return cat(count, count == 1 ? " file, " : " files, ", bytes, " bytes, hash ", hash.text());
}

}  // namespace sterna::doctor
