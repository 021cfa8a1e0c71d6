#include "runtime/data/wav.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"

namespace sterna::data {
namespace {

constexpr std::string_view kLegal = "must be a RIFF file of PCM samples, one channel of 16 bits at 8000 Hz";
constexpr std::size_t kHeadBytes = 12;  // "RIFF", length, "WAVE"
constexpr std::size_t kChunkBytes = 8;  // name, length
constexpr std::size_t kFormatBytes = 16;

class WavReader {
 public:
  explicit WavReader(const std::filesystem::path& path) : path_(path), text_(read_file(path)) {}

  std::vector<std::int16_t> samples() {
    if (text_.size() < kHeadBytes || name(0) != "RIFF" || name(8) != "WAVE")
      refuse("no RIFF file of kind WAVE");
    const std::size_t promised = kChunkBytes + number<std::uint32_t>(4);
    if (promised > text_.size())
      refuse(cat(text_.size(), " bytes where ", promised, " are promised: cut short"));
    if (promised < text_.size()) refuse(cat(text_.size() - promised, " bytes behind the end"));
    for (std::size_t at = kHeadBytes; at < text_.size();) at = read_chunk(at);
    if (!samples_) refuse("no chunk \"data\"");
    return *samples_;
  }

 private:
  // Returns where the next one begins.
  std::size_t read_chunk(std::size_t at) {
    if (text_.size() - at < kChunkBytes) refuse("a chunk cut short");
    const std::size_t bytes = number<std::uint32_t>(at + 4);
    const std::size_t first = at + kChunkBytes;
    const std::size_t padding = bytes % 2;
    if (text_.size() - first < bytes + padding) refuse("a chunk cut short");
    if (name(at) == "fmt ") read_format(first, bytes);
    if (name(at) == "data") read_samples(first, bytes);
    return first + bytes + padding;
  }

  void read_format(std::size_t at, std::size_t bytes) {
    if (has_format_) refuse("two chunks \"fmt \"");
    if (bytes != kFormatBytes) refuse(cat("a chunk \"fmt \" of ", bytes, " bytes"));
    has_format_ = true;
    require(number<std::uint16_t>(at), 1, "encoding");
    require(number<std::uint16_t>(at + 2), 1, "channels");
    require(number<std::uint32_t>(at + 4), kSamplesPerSecond, "samples a second");
    require(number<std::uint16_t>(at + 14), 16, "bits a sample");
    require(number<std::uint32_t>(at + 8), 2 * kSamplesPerSecond, "bytes a second");
    require(number<std::uint16_t>(at + 12), 2, "bytes of all channels");
  }

  void read_samples(std::size_t at, std::size_t bytes) {
    if (!has_format_) refuse("no chunk \"fmt \" before \"data\"");
    if (samples_) refuse("two chunks \"data\"");
    if (bytes % 2 != 0) refuse("half a sample at the end");
    samples_.emplace(bytes / 2);
    for (std::size_t i = 0; i < samples_->size(); ++i) (*samples_)[i] = number<std::int16_t>(at + 2 * i);
  }

  void require(std::uint32_t found, std::uint32_t legal, const char* what) {
    if (found != legal) refuse(cat(what, " ", found));
  }

  [[noreturn]] void refuse(const std::string& found) { refuse_file(path_, found, std::string(kLegal)); }

  std::string_view name(std::size_t at) const { return std::string_view(text_).substr(at, 4); }
  template <typename T>
  T number(std::size_t at) const {
    return load<T>(std::as_bytes(std::span(text_)), at);
  }

  std::filesystem::path path_;
  std::string text_;
  bool has_format_ = false;
  std::optional<std::vector<std::int16_t>> samples_;
};

}  // namespace

std::vector<std::int16_t> read_wav(const std::filesystem::path& path) {
  return WavReader(path).samples();
}

}  // namespace sterna::data
