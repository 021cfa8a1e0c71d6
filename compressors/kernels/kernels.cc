#include "compressors/kernels/kernels.h"

#include "runtime/core/processor.h"

namespace sterna::compressors::kernels {

std::vector<Kernels> supported_kernels() {
  std::vector<Kernels> kernels = {{"plain", pack_bins_8_plain, pack_bins_16_plain, select_in_chunks_plain}};
  if (has_avx2()) kernels.push_back({"avx2", pack_bins_8_avx2, pack_bins_16_avx2, select_in_chunks_avx2});
  if (has_avx512())
    kernels.push_back({"avx512", pack_bins_8_avx512, pack_bins_16_avx512, select_in_chunks_avx512});
  return kernels;
}

const Kernels& fastest_kernels() {
  static const Kernels fastest = supported_kernels().back();
  return fastest;
}

}  // namespace sterna::compressors::kernels
