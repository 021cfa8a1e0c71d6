#include "runtime/data/idx.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <span>
#include <sstream>
#include <string>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"

namespace sterna::data {
namespace {

constexpr std::uint32_t kUnsignedBytes = 0x0800;  // type 08 in the magic number's third byte
constexpr std::size_t kFirstChunkBytes = std::size_t{1} << 20;

std::string hexadecimal(std::uint32_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << std::setw(8) << std::setfill('0') << value;
  return text.str();
}

std::uint32_t read_number(ByteSource& source, const std::filesystem::path& path) {
  std::array<std::uint8_t, 4> bytes{};
  if (source.read(bytes) != bytes.size()) {
    refuse_file(path, "cut short in its header", "an IDX file begins with a magic number and its extents");
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
    refuse_file(
        path, cat("magic number ", hexadecimal(magic)),
        cat("must be ", hexadecimal(expected), ", unsigned bytes in ", 1 + item.size(), " dimension(s)"));
  }
  const std::size_t items = read_number(source, path);
  std::vector<std::size_t> extents(item.size());
  for (std::size_t& extent : extents) extent = read_number(source, path);
  if (extents != item) {
    refuse_file(path, cat("items of ", joined(extents, " x ")),
                cat("must be items of ", joined(item, " x ")));
  }
  if (items == 0) refuse_file(path, "no items", "must hold at least one");
  return items;
}

}  // namespace

IdxFile read_idx(const std::filesystem::path& path, const std::vector<std::size_t>& item) {
  ByteSource source(path);
  IdxFile file{.items = read_header(source, path, item), .bytes = {}};
  std::size_t item_bytes = 1;
  for (std::size_t extent : item) item_bytes *= extent;
  const std::size_t promised_bytes = file.items * item_bytes;

  while (file.bytes.size() < promised_bytes) {
    const std::size_t before = file.bytes.size();
    const std::size_t chunk_bytes = std::min(promised_bytes - before, std::max(kFirstChunkBytes, before));
    file.bytes.resize(before + chunk_bytes);
    const std::size_t read_bytes = source.read(std::span(file.bytes).subspan(before));
    if (read_bytes < chunk_bytes) {
      refuse_file(path, cat(before + read_bytes, " bytes after its header"),
                  cat("its header promises ", file.items, " items, ", promised_bytes, " bytes"));
    }
  }
  std::array<std::uint8_t, 1> beyond{};  // reading past the end also checks gzip's checksum
  if (source.read(beyond) != 0) {
    refuse_file(path, cat("more than ", promised_bytes, " bytes after its header"),
                cat("its header promises ", file.items, " items, ", promised_bytes, " bytes"));
  }
  return file;
}

}  // namespace sterna::data
