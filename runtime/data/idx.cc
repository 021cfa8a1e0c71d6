#include "runtime/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iomanip>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <system_error>

#include "runtime/core/errors.h"

namespace sterna::data {
namespace {

constexpr std::uint32_t kUnsignedBytes = 0x0800;  // type 08 in the magic number's third byte
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

std::string hexadecimal(std::uint32_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << std::setw(8) << std::setfill('0') << value;
  return text.str();
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& found,
                         const std::string& legal) {
  throw ConfigError(cat("[data] ", path.string(), " = ", found, ": ", legal,
                        "; fetch the file again, or point --data-dir elsewhere"));
}

// A file's bytes in order; zlib passes those of a plain file through.
class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) refuse(path_, cat("not readable (", std::strerror(errno), ")"), "must be a readable file");
    gzbuffer(file_.get(), 1u << 17);
    if (path.extension() == ".gz" && gzdirect(file_.get()) != 0) {
      refuse(path_, "not gzip", "a file named .gz must begin with the bytes 1f 8b");
    }
  }

  // Fills `bytes` from the front and returns how many there were; fewer only at the end of the file.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> bytes) {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const std::size_t wanted = std::min(bytes.size() - filled, kChunkBytes);
      const int got = gzread(file_.get(), bytes.data() + filled, static_cast<unsigned>(wanted));
      refuse_damage();
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

 private:
  struct Close {
    void operator()(gzFile file) const noexcept { gzclose_r(file); }
  };

  void refuse_damage() {
    int code = Z_OK;
    const char* message = gzerror(file_.get(), &code);
    if (code == Z_OK || code == Z_STREAM_END) return;
    if (code == Z_BUF_ERROR) refuse(path_, "gzip cut short", "the compressed data must reach its end mark");
    refuse(path_, cat("unreadable (", message, ")"), "must be whole gzip data, or plain IDX data");
  }

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

std::uint32_t read_number(ByteSource& source, const std::filesystem::path& path) {
  std::array<std::uint8_t, 4> bytes{};
  if (source.read(bytes) != bytes.size()) {
    refuse(path, "cut short in its header", "an IDX file begins with a magic number and its extents");
  }
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) | (std::uint32_t{bytes[2]} << 8) |
         std::uint32_t{bytes[3]};
}

// Returns the number of items.
std::size_t read_header(ByteSource& source, const std::filesystem::path& path,
                        const std::vector<std::size_t>& item) {
  const std::uint32_t magic = read_number(source, path);
  const std::uint32_t expected = kUnsignedBytes | static_cast<std::uint32_t>(1 + item.size());
  if (magic != expected) {
    refuse(path, cat("magic number ", hexadecimal(magic)),
           cat("must be ", hexadecimal(expected), ", unsigned bytes in ", 1 + item.size(), " dimension(s)"));
  }
  const std::size_t items = read_number(source, path);
  std::vector<std::size_t> extents(item.size());
  for (std::size_t& extent : extents) extent = read_number(source, path);
  if (extents != item) {
    refuse(path, cat("items of ", joined(extents, " x ")), cat("must be items of ", joined(item, " x ")));
  }
  if (items == 0) refuse(path, "no items", "must hold at least one");
  return items;
}

}  // namespace

std::filesystem::path find_idx(const std::filesystem::path& directory, std::string_view name) {
  for (std::string_view ending : {"", ".gz"}) {
    const std::filesystem::path path = directory / cat(name, ending);
    std::error_code ignored;  // a path that cannot be looked at is as good as none
    if (std::filesystem::is_regular_file(path, ignored)) return path;
  }
  throw ConfigError(cat("[data] data-dir = ", directory.string(), ": must hold the file ", name, " or ", name,
                        ".gz; fetch it, or point --data-dir to where it lies"));
}

IdxFile read_idx(const std::filesystem::path& path, const std::vector<std::size_t>& item) {
  ByteSource source(path);
  IdxFile file{.items = read_header(source, path, item), .bytes = {}};
  std::size_t item_bytes = 1;
  for (std::size_t extent : item) item_bytes *= extent;
  const std::size_t promised_bytes = file.items * item_bytes;

  while (file.bytes.size() < promised_bytes) {
    const std::size_t before = file.bytes.size();
    const std::size_t chunk_bytes = std::min(promised_bytes - before, std::max(kChunkBytes, before));
    file.bytes.resize(before + chunk_bytes);
    const std::size_t read_bytes = source.read(std::span(file.bytes).subspan(before));
    if (read_bytes < chunk_bytes) {
      refuse(path, cat(before + read_bytes, " bytes after its header"),
             cat("its header promises ", file.items, " items, ", promised_bytes, " bytes"));
    }
  }
  std::array<std::uint8_t, 1> beyond{};  // reading past the end also checks gzip's checksum
  if (source.read(beyond) != 0) {
    refuse(path, cat("more than ", promised_bytes, " bytes after its header"),
           cat("its header promises ", file.items, " items, ", promised_bytes, " bytes"));
  }
  return file;
}

}  // namespace sterna::data
