// Stands in for the vector kernels on processors that are not x86: nothing calls them there.
#include "compressors/kernels/kernels.h"

namespace sterna::compressors::kernels {

PackedBins pack_bins_8_avx2(const float* gradient, float* residue, std::size_t elements,
                            std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_bins_8_plain(gradient, residue, elements, bin_elements, codes, bitmap);
}

PackedBins pack_bins_16_avx2(const float* gradient, float* residue, std::size_t elements,
                             std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_bins_16_plain(gradient, residue, elements, bin_elements, codes, bitmap);
}

void select_in_chunks_avx2(const float* gradient, float* residue, std::size_t elements,
                           std::size_t chunk_elements, float beta, std::uint32_t* offsets, float* values) {
  select_in_chunks_plain(gradient, residue, elements, chunk_elements, beta, offsets, values);
}

PackedBins pack_bins_8_avx512(const float* gradient, float* residue, std::size_t elements,
                              std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_bins_8_plain(gradient, residue, elements, bin_elements, codes, bitmap);
}

PackedBins pack_bins_16_avx512(const float* gradient, float* residue, std::size_t elements,
                               std::size_t bin_elements, std::byte* codes, std::byte* bitmap) {
  return pack_bins_16_plain(gradient, residue, elements, bin_elements, codes, bitmap);
}

void select_in_chunks_avx512(const float* gradient, float* residue, std::size_t elements,
                             std::size_t chunk_elements, float beta, std::uint32_t* offsets, float* values) {
  select_in_chunks_plain(gradient, residue, elements, chunk_elements, beta, offsets, values);
}

}  // namespace sterna::compressors::kernels
