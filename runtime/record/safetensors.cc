#include "runtime/record/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/numerics/value_format.h"
#include "runtime/record/safetensors_header.h"

namespace sterna::record {
namespace {

// Values are widened in pieces of this many, so that a 16-bit file needs no second copy in memory.
constexpr std::size_t kPieceElements = 1u << 16;

[[noreturn]] void refuse_unreadable(const std::filesystem::path& path, const std::string& reason) {
  throw ConfigError(cat("[record] ", path.string(), " = not readable (", reason,
                        "): must be a .safetensors file; is the path right?"));
}

std::uint64_t bytes_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) refuse_unreadable(path, error.message());
  return bytes;
}

void read_bytes(const std::filesystem::path& path, std::ifstream& file, std::span<std::byte> bytes) {
  errno = 0;
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) refuse_unreadable(path, errno != 0 ? std::strerror(errno) : "it has become shorter");
}

numerics::ValueFormat format_of(const std::filesystem::path& path, const SafetensorsEntry& entry) {
  if (entry.type == "F32") return numerics::ValueFormat::kFloat32;
  if (entry.type == "F16") return numerics::ValueFormat::kFloat16;
  if (entry.type == "BF16") return numerics::ValueFormat::kBfloat16;
  refuse_safetensors(path, entry.name, cat("dtype ", entry.type), "must be F32, F16 or BF16");
}

std::filesystem::path checked(std::filesystem::path path) {
  // Renaming a file to a directory fails, but only when all the work is done.
  std::error_code ignored;
  if (path.filename().empty() || std::filesystem::is_directory(path, ignored)) {
    throw ConfigError(cat("[record] ", path.string(), " = a directory: must be the name of a file; try ",
                          (path / "weights.safetensors").string()));
  }
  return path;
}

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path) : path_(path) {
  const std::uint64_t file_bytes = bytes_of_file(path);
  errno = 0;
  file_.open(path, std::ios::binary);
  if (!file_) refuse_unreadable(path, std::strerror(errno));
  if (file_bytes < kSafetensorsLengthBytes) {
    refuse_safetensors(path, "", cat(file_bytes, " bytes"),
                       "must begin with the 8 bytes of the header's length");
  }
  std::byte length[kSafetensorsLengthBytes];
  read_bytes(path, file_, length);
  const auto header_bytes = load<std::uint64_t>(length, 0);
  const std::uint64_t left_bytes = file_bytes - kSafetensorsLengthBytes;
  if (header_bytes > std::min(left_bytes, kMostSafetensorsHeaderBytes)) {
    refuse_safetensors(path, "", cat("a header of ", header_bytes, " bytes"),
                       cat("must be within the file's other ", left_bytes, " bytes and at most ",
                           kMostSafetensorsHeaderBytes));
  }
  std::string text(header_bytes, '\0');
  read_bytes(path, file_, std::as_writable_bytes(std::span(text)));
  SafetensorsHeader header = parse_safetensors_header(path, text, left_bytes - header_bytes);
  metadata_ = std::move(header.metadata);
  entries_ = std::move(header.entries);
  for (SafetensorsEntry& entry : entries_) {
    entry.begin += kSafetensorsLengthBytes + header_bytes;
    entry.end += kSafetensorsLengthBytes + header_bytes;
  }
}

const SafetensorsEntry* SafetensorsReader::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &SafetensorsEntry::name);
  return found == entries_.end() ? nullptr : &*found;
}

void SafetensorsReader::read_float32(const SafetensorsEntry& entry, std::span<float> values) {
  const numerics::ValueFormat format = format_of(path_, entry);
  const std::size_t value_bytes = numerics::bytes_per_value(format);
  STERNA_CHECK(values.size() * value_bytes == (entry.end - entry.begin));
  file_.seekg(static_cast<std::streamoff>(entry.begin));
  std::vector<std::byte> piece(std::min(values.size(), kPieceElements) * value_bytes);
  while (!values.empty()) {
    const std::span<float> now = values.first(std::min(values.size(), kPieceElements));
    const auto bytes = std::span(piece).first(now.size() * value_bytes);
    read_bytes(path_, file_, bytes);
    numerics::unpack_values(bytes, format, now);
    values = values.subspan(now.size());
  }
}

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path) : file_(checked(std::move(path))) {}

void SafetensorsWriter::write(std::vector<SafetensorsTensor> tensors, const SafetensorsMetadata& metadata) {
  STERNA_CHECK(file_.is_finished() == false);
  std::ranges::sort(tensors, {}, &SafetensorsTensor::name);
  file_.append(safetensors_header_of(tensors, metadata));
  for (const SafetensorsTensor& tensor : tensors) {
    const auto bytes = std::as_bytes(tensor.values);
    file_.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  file_.finish();
}

}  // namespace sterna::record
