#include "runtime/record/npy.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kPrefixBytes = 10;   // of version 1.0: magic, version, uint16 header_bytes
constexpr std::size_t kHeaderBorder = 64;  // values start on a multiple of it
constexpr std::size_t kMostDigits = 20;    // of a uint64
constexpr std::size_t kMostHeaderBytes = 65535;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& found,
                         const std::string& legal) {
  throw ConfigError(cat("[record] ", path.string(), " = ", found, ": ", legal,
                        "; write it with numpy.save(path, numpy.ascontiguousarray(array))"));
}

std::string_view type_name(NpyType type) {
  return type == NpyType::kFloat32 ? "<f4" : "<i8";
}
std::size_t type_bytes(NpyType type) {
  return type == NpyType::kFloat32 ? 4 : 8;
}

struct Header {
  std::string type;
  bool is_fortran_order = false;
  std::vector<std::size_t> shape;
};

// Reads the dictionary of a header. Anything else than the three keys, each once, in any order, is refused.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::filesystem::path& path) : rest_(text), path_(path) {}

  Header parse() {
    Header header;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(has_type, true)) {
        header.type = quoted();
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        header.is_fortran_order = boolean();
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        header.shape = tuple();
      } else {
        fail(cat("key '", key, "'"));
      }
      if (accept('}')) break;
      expect(',');
    }
    skip_spaces();
    if (!rest_.empty()) fail("text after the dictionary");
    if (!has_type || !has_order || !has_shape) fail("a key missing");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    refuse(path_, cat("a header with ", found), "must be a dictionary of descr, fortran_order and shape");
  }

  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }

  [[nodiscard]] bool accept(char wanted) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(cat("no '", wanted, "' where one belongs"));
  }

  [[nodiscard]] bool accept_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string quoted() {
    expect('\'');
    const std::size_t end = rest_.find('\'');
    if (end == std::string_view::npos) fail("an open quote");
    const std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) fail("fortran_order neither True nor False");
    return false;
  }

  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> extents;
    expect('(');
    while (!accept(')')) {
      extents.push_back(number());
      if (accept(')')) break;
      expect(',');
    }
    return extents;
  }

  std::size_t number() {
    constexpr std::size_t kLargest = std::numeric_limits<std::size_t>::max();
    skip_spaces();
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') fail("an extent that is no number");
    std::size_t value = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      const auto digit = static_cast<std::size_t>(rest_.front() - '0');
      if (value > (kLargest - digit) / 10) fail("an extent of more than 64 bits");
      value = 10 * value + digit;
      rest_.remove_prefix(1);
    }
    return value;
  }

  std::string_view rest_;
  const std::filesystem::path& path_;
};

// An open file and how much of it is left to read.
class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
    std::error_code error;
    left_bytes_ = std::filesystem::file_size(path, error);
    if (error) refuse(path, cat("not readable (", error.message(), ")"), "must be a file");
    if (!file_) refuse(path, cat("not readable (", std::strerror(errno), ")"), "must be a readable file");
  }

  [[nodiscard]] std::size_t left_bytes() const { return left_bytes_; }

  void read(std::span<std::byte> bytes) {
    if (bytes.size() > left_bytes_) refuse(path_, "cut short in its header", "must be a whole .npy file");
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file_) refuse(path_, cat("not readable (", std::strerror(errno), ")"), "must be a readable file");
    left_bytes_ -= bytes.size();
  }

  template <typename T>
  [[nodiscard]] T number() {
    T value{};
    read(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }

  [[nodiscard]] std::string text(std::size_t bytes) {
    if (bytes > left_bytes_) refuse(path_, "cut short in its header", "must be a whole .npy file");
    std::string text(bytes, '\0');
    read(std::as_writable_bytes(std::span(text)));
    return text;
  }

 private:
  const std::filesystem::path& path_;
  std::ifstream file_;
  std::size_t left_bytes_ = 0;
};

Header read_header(ByteSource& source, const std::filesystem::path& path) {
  if (source.left_bytes() < kPrefixBytes || source.text(kMagic.size()) != kMagic) {
    refuse(path, "no .npy file", "must begin with the bytes 93 4e 55 4d 50 59");
  }
  const int major = source.number<std::uint8_t>();
  const int minor = source.number<std::uint8_t>();
  if ((major != 1 && major != 2) || minor != 0) {
    refuse(path, cat("version ", major, ".", minor), "must be 1.0 or 2.0");
  }
  const std::size_t header_bytes =
      major == 1 ? source.number<std::uint16_t>() : source.number<std::uint32_t>();
  const std::string text = source.text(header_bytes);
  return HeaderParser(text, path).parse();
}

std::size_t checked_product(const std::vector<std::size_t>& extents, std::size_t bytes,
                            const std::filesystem::path& path) {
  for (std::size_t extent : extents) {
    if (extent != 0 && bytes > std::numeric_limits<std::size_t>::max() / extent) {
      refuse(path, cat("shape ", joined(extents, " x ")), "must hold less than 2^64 bytes");
    }
    bytes *= extent;
  }
  return bytes;
}

template <typename T>
NpyArray<T> read_npy(const std::filesystem::path& path, NpyType type) {
  ByteSource source(path);
  Header header = read_header(source, path);
  if (header.type != type_name(type)) {
    refuse(path, cat("values of type '", header.type, "'"), cat("must be of type '", type_name(type), "'"));
  }
  if (header.is_fortran_order) refuse(path, "values in Fortran order", "must lie in C order");
  const std::size_t promised_bytes = checked_product(header.shape, sizeof(T), path);
  if (promised_bytes != source.left_bytes()) {
    refuse(path, cat(source.left_bytes(), " bytes of values"),
           cat("its header promises ", promised_bytes, " bytes, shape (", joined(header.shape, ", "), ")"));
  }
  NpyArray<T> array{.shape = std::move(header.shape), .values = AlignedVector<T>(promised_bytes / sizeof(T))};
  source.read(std::as_writable_bytes(std::span(array.values)));
  return array;
}

// The header's bytes, prefix included: their number depends on type and record shape, but not on `records`.
std::string header_of(NpyType type, std::size_t records, const std::vector<std::size_t>& record_shape) {
  const std::string first = cat(records);
  std::string text = cat("{'descr': '", type_name(type), "', 'fortran_order': False, 'shape': (", first, ",");
  if (!record_shape.empty()) text += cat(" ", joined(record_shape, ", "));
  text += "), }";
  const std::size_t most_bytes = kPrefixBytes + text.size() + (kMostDigits - first.size()) + 1;
  const std::size_t whole_bytes = (most_bytes + kHeaderBorder - 1) / kHeaderBorder * kHeaderBorder;
  STERNA_CHECK((whole_bytes - kPrefixBytes) <= kMostHeaderBytes);
  text.resize(whole_bytes - kPrefixBytes - 1, ' ');
  text += '\n';

  const std::size_t header_bytes = text.size();
  const char version_and_bytes[] = {1, 0, static_cast<char>(header_bytes & 0xFF),
                                    static_cast<char>(header_bytes >> 8)};
  return cat(kMagic, std::string_view(version_and_bytes, 4), text);
}

}  // namespace

NpyArray<float> read_npy_float32(const std::filesystem::path& path) {
  return read_npy<float>(path, NpyType::kFloat32);
}

NpyArray<std::int64_t> read_npy_int64(const std::filesystem::path& path) {
  return read_npy<std::int64_t>(path, NpyType::kInt64);
}

NpyWriter::NpyWriter(std::filesystem::path path, NpyType type, std::vector<std::size_t> record_shape)
    : type_(type),
      record_shape_(std::move(record_shape)),
      record_bytes_(checked_product(record_shape_, type_bytes(type), path)),
      file_(std::move(path)) {
  STERNA_CHECK(record_bytes_ > 0u);
  file_.append(header_of(type_, records_, record_shape_));
}

void NpyWriter::append(std::span<const float> records) {
  append_bytes(std::as_bytes(records), NpyType::kFloat32);
}

void NpyWriter::append(std::span<const std::int64_t> records) {
  append_bytes(std::as_bytes(records), NpyType::kInt64);
}

void NpyWriter::finish() {
  STERNA_CHECK(file_.is_finished() == false);
  file_.rewrite_front(header_of(type_, records_, record_shape_));
  file_.finish();
}

void NpyWriter::append_bytes(std::span<const std::byte> bytes, NpyType type) {
  STERNA_CHECK(file_.is_finished() == false);
  STERNA_CHECK(type_name(type) == type_name(type_));
  STERNA_CHECK((bytes.size() % record_bytes_) == 0u);
  file_.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  records_ += bytes.size() / record_bytes_;
}

}  // namespace sterna::record
