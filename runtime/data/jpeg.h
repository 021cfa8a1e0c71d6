// JPEG files to pixels, by libjpeg-turbo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace sterna::data {

struct Pixels {
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::uint8_t> rgb;  // [height, width, 3]
};

// Serves one thread at a time.
class JpegDecoder {
 public:
  JpegDecoder();

  // Grey images get three equal channels; CMYK, as Adobe's programs write it inverted, becomes RGB. Throws
  // ConfigError, which names the file, if it cannot be read, is no JPEG, is damaged or cut short, or has more
  // than 2^27 pixels.
  [[nodiscard]] Pixels decode(const std::filesystem::path& path);

 private:
  struct Close {
    void operator()(void* handle) const noexcept;
  };

  std::unique_ptr<void, Close> handle_;
};

}  // namespace sterna::data
