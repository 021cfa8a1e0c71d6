#include "compressors/kernels/kernels.h"
#include "runtime/core/processor.h"

namespace sterna::compressors::kernels {

void append_vector_kernels(std::vector<Kernels>& kernels) {
  if (has_avx2()) kernels.push_back({"avx2", pack_bins_8_avx2, pack_bins_16_avx2, select_in_chunks_avx2});
  if (has_avx512())
    kernels.push_back({"avx512", pack_bins_8_avx512, pack_bins_16_avx512, select_in_chunks_avx512});
}

}  // namespace sterna::compressors::kernels
