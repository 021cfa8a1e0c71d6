#include <cmath>

#include "compressors/kernels/bins_loop.h"

namespace sterna::compressors::kernels {
namespace {

template <typename Code>
struct PlainBin {
  static PackedBin pack(const float* gradient, float* residue, std::size_t elements, std::size_t,
                        std::byte* codes) {
    PackedBin bin;
    for (std::size_t i = 0; i < elements; ++i) {
      residue[i] += gradient[i];
      const float magnitude = std::fabs(residue[i]);
      bin.max = magnitude > bin.max ? magnitude : bin.max;
    }
    if (bin.max == 0.0f) return bin;
    for (std::size_t i = 0; i < elements; ++i) {
      if (!(std::fabs(residue[i] + gradient[i]) >= bin.max)) continue;
      const auto code = static_cast<Code>(i | (residue[i] > 0.0f ? 0 : kNegative<Code>));
      std::memcpy(codes + bin.codes * sizeof(Code), &code, sizeof(Code));
      ++bin.codes;
    }
    return bin;
  }
};

}  // namespace

PackedBins pack_bins_8_plain(const float* gradient, float* residue, std::size_t elements,
                             std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_all_bins<std::uint8_t, PlainBin<std::uint8_t>>(gradient, residue, elements, bin_elements, codes,
                                                             bitmap);
}

PackedBins pack_bins_16_plain(const float* gradient, float* residue, std::size_t elements,
                              std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_all_bins<std::uint16_t, PlainBin<std::uint16_t>>(gradient, residue, elements, bin_elements,
                                                               codes, bitmap);
}

}  // namespace sterna::compressors::kernels
