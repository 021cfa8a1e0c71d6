#include "runtime/data/jpeg.h"

#include <turbojpeg.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/data/byte_source.h"

namespace sterna::data {
namespace {

constexpr std::size_t kMostPixels = std::size_t{1} << 27;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& found) {
  refuse_file(path, found, "must be a whole JPEG image");
}

// The library calls damage a mere warning, and fills what is missing with grey. These warnings alone harm no
// pixel: stray bytes between segments, and headers of unknown revision.
constexpr std::string_view kHarmless[] = {"extraneous bytes before marker", "unknown JFIF revision",
                                          "Unknown Adobe color transform"};

bool is_fault(void* handle) {
  if (tjGetErrorCode(handle) != TJERR_WARNING) return true;
  const std::string_view warning = tjGetErrorStr2(handle);
  return std::ranges::none_of(
      kHarmless, [&](std::string_view each) { return warning.find(each) != std::string_view::npos; });
}

void decode_pixels(void* handle, const std::filesystem::path& path, const std::string& file, int format,
                   const Pixels& extents, std::vector<std::uint8_t>& pixels) {
  const int failed = tjDecompress2(handle, reinterpret_cast<const unsigned char*>(file.data()), file.size(),
                                   pixels.data(), static_cast<int>(extents.width), /*pitch=*/0,
                                   static_cast<int>(extents.height), format, TJFLAG_ACCURATEDCT);
  if (failed != 0 && is_fault(handle)) refuse(path, tjGetErrorStr2(handle));
}

}  // namespace

void JpegDecoder::Close::operator()(void* handle) const noexcept {
  tjDestroy(handle);
}

JpegDecoder::JpegDecoder() : handle_(tjInitDecompress()) {
  STERNA_CHECK((handle_ != nullptr) == true);
}

Pixels JpegDecoder::decode(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle_.get(), reinterpret_cast<const unsigned char*>(file.data()), file.size(),
                          &width, &height, &subsampling, &colours) != 0 &&
      is_fault(handle_.get())) {
    refuse(path, tjGetErrorStr2(handle_.get()));
  }
  Pixels pixels{
      .height = static_cast<std::size_t>(height), .width = static_cast<std::size_t>(width), .rgb = {}};
  const std::size_t count = pixels.height * pixels.width;
  if (count > kMostPixels) {
    refuse_file(path, cat(width, " x ", height, " pixels"), cat("must have at most ", kMostPixels));
  }
  pixels.rgb.resize(3 * count);
  if (colours != TJCS_CMYK && colours != TJCS_YCCK) {
    decode_pixels(handle_.get(), path, file, TJPF_RGB, pixels, pixels.rgb);
    return pixels;
  }
  std::vector<std::uint8_t> cmyk(4 * count);
  decode_pixels(handle_.get(), path, file, TJPF_CMYK, pixels, cmyk);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      pixels.rgb[3 * i + c] = static_cast<std::uint8_t>(cmyk[4 * i + c] * cmyk[4 * i + 3] / 255);
    }
  }
  return pixels;
}

}  // namespace sterna::data
