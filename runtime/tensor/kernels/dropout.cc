#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::kernels {

void draw_keep_bits_plain(const KeepRule& rule, std::uint64_t first, std::size_t elements,
                          std::uint32_t* bits) {
  for (std::size_t begin = 0; begin < elements; begin += 32) {
    std::uint32_t word = 0;
    for (std::uint32_t i = 0; i < 32; ++i) {
      word |= std::uint32_t{random_bits(rule.key, first + begin + i) >= rule.drop_below} << i;
    }
    bits[begin / 32] = word;
  }
}

void keep_plain(const float* input, const std::uint32_t* bits, float scale, std::size_t elements,
                float* output) {
  for (std::size_t i = 0; i < elements; ++i) {
    output[i] = (bits[i / 32] >> (i % 32) & 1) != 0 ? input[i] * scale : 0.0f;
  }
}

}  // namespace sterna::tensor::kernels
