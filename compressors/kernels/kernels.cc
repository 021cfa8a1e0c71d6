#include "compressors/kernels/kernels.h"

namespace sterna::compressors::kernels {

std::vector<Kernels> supported_kernels() {
  std::vector<Kernels> kernels = {{"plain", pack_bins_8_plain, pack_bins_16_plain, select_in_chunks_plain}};
  append_vector_kernels(kernels);
  return kernels;
}

const Kernels& fastest_kernels() {
  static const Kernels fastest = supported_kernels().back();
  return fastest;
}

}  // namespace sterna::compressors::kernels
