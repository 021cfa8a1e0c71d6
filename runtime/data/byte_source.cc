#include "runtime/data/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "runtime/core/errors.h"

namespace sterna::data {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

}  // namespace

void refuse_file(const std::filesystem::path& path, const std::string& found, const std::string& legal) {
  throw ConfigError(cat("[data] ", path.string(), " = ", found, ": ", legal,
                        "; fetch the file again, or point --data-dir elsewhere"));
}

void ByteSource::Close::operator()(void* file) const noexcept {
  gzclose_r(static_cast<gzFile>(file));
}

ByteSource::ByteSource(const std::filesystem::path& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
  if (!file_) {
    refuse_file(path_, cat("not readable (", std::strerror(errno), ")"), "must be a readable file");
  }
  gzbuffer(static_cast<gzFile>(file_.get()), 1u << 17);
  if (path.extension() == ".gz" && gzdirect(static_cast<gzFile>(file_.get())) != 0) {
    refuse_file(path_, "not gzip", "a file named .gz must begin with the bytes 1f 8b");
  }
}

std::size_t ByteSource::read(std::span<std::uint8_t> bytes) {
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const std::size_t wanted = std::min(bytes.size() - filled, kChunkBytes);
    const int got =
        gzread(static_cast<gzFile>(file_.get()), bytes.data() + filled, static_cast<unsigned>(wanted));
    refuse_damage();
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

void ByteSource::refuse_damage() {
  int code = Z_OK;
  const char* message = gzerror(static_cast<gzFile>(file_.get()), &code);
  if (code == Z_OK || code == Z_STREAM_END) return;
  if (code == Z_BUF_ERROR) {
    refuse_file(path_, "gzip cut short", "the compressed data must reach its end mark");
  }
  refuse_file(path_, cat("unreadable (", message, ")"), "must be whole gzip data, or a plain file");
}

std::filesystem::path find_file(const std::filesystem::path& directory, std::string_view name) {
  for (std::string_view ending : {"", ".gz"}) {
    const std::filesystem::path path = directory / cat(name, ending);
    std::error_code ignored;  // a path that cannot be looked at is as good as none
    if (std::filesystem::is_regular_file(path, ignored)) return path;
  }
  throw ConfigError(cat("[data] data-dir = ", directory.string(), ": must hold the file ", name, " or ", name,
                        ".gz; fetch it, or point --data-dir to where it lies"));
}

std::string read_file(const std::filesystem::path& path) {
  ByteSource source(path);
  std::string bytes;
  std::array<std::uint8_t, 1u << 16> chunk{};
  while (const std::size_t read_bytes = source.read(chunk)) {
    bytes.append(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(read_bytes));
  }
  return bytes;
}

void require_directory(const std::filesystem::path& directory, std::string_view data_set,
                       std::string_view contents) {
  if (!directory.empty()) return;
  throw ConfigError(cat("[data] data-dir = \"\": ", data_set, " needs a directory with ", contents,
                        "; launch/fetch_data.sh fetches the public data sets"));
}

}  // namespace sterna::data
