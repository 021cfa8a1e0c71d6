// The loop over the bins, which both versions of pack_bins share. Private to bins.cc and bins_avx2.cc.
#pragma once

#include <cstring>

#include "compressors/kernels/kernels.h"

namespace sterna::compressors::kernels {

struct PackedBin {
  float max = 0.0f;  // of |residue + gradient|
  std::size_t codes = 0;
};

// `Bin` is a type of the including file's anonymous namespace, so that each file has a loop of its own,
// compiled for its own instruction set. Bin::pack(gradient, residue, bin_elements, elements_left, codes)
// packs one bin and leaves the mark of its last code to the loop; elements_left >= bin_elements are readable
// and writable from its front.
template <typename Code, typename Bin>
PackedBins pack_all_bins(const float* gradient, float* residue, std::size_t elements,
                         std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  PackedBins packed;
  std::size_t bin = 0;
  for (std::size_t begin = 0; begin < elements; begin += bin_elements, ++bin) {
    const std::size_t left = elements - begin;
    const std::size_t length = left < bin_elements ? left : bin_elements;
    std::byte* const bin_codes = codes + packed.codes * sizeof(Code);
    const PackedBin result = Bin::pack(gradient + begin, residue + begin, length, left, bin_codes);
    const bool is_sent = result.codes > 0;
    if (is_sent) bin_codes[result.codes * sizeof(Code) - 1] |= std::byte{0x80};  // kLastOfBin, little-endian
    if (bin % 8 == 0) bitmap[bin / 8] = std::byte{0};
    bitmap[bin / 8] |= static_cast<std::byte>(static_cast<unsigned>(is_sent) << (bin % 8));
    packed.codes += result.codes;
    packed.bins_sent += is_sent ? 1 : 0;
    packed.sum_of_maxima += static_cast<double>(result.max);
  }
  return packed;
}

}  // namespace sterna::compressors::kernels
