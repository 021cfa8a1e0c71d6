// Which elements dropout keeps, and dropping the others: the bits of ../../kernels/kernels.h.
#pragma once

#include "runtime/tensor/cuda/kernels/elementwise.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::tensor::cuda {

// bits[word] of elements 32 word to 32 word + 31 of the stream; a thread for each word.
struct DrawKeepBits {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, kernels::KeepRule rule, std::uint32_t words,
                                std::uint32_t* bits) {
    for_each_element(context, words, [&](std::uint32_t word) {
      std::uint32_t drawn = 0;
      for (std::uint32_t four = 0; four < 8; ++four) {
        const RandomBlock block = random_block(rule.key, std::uint64_t{word} * 32 + four * 4);
        const auto random = philox(block.counter, block.key);
        for (std::uint32_t i = 0; i < 4; ++i) {
          drawn |= std::uint32_t{random[i] >= rule.drop_below} << (four * 4 + i);
        }
      }
      bits[word] = drawn;
    });
  }
};

struct Keep {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, const std::uint32_t* bits,
                                float scale, std::uint32_t elements, float* output) {
    for_each_element(context, elements, [&](std::uint32_t i) {
      output[i] = (bits[i / 32] >> (i % 32) & 1) != 0 ? input[i] * scale : 0.0f;
    });
  }
};

}  // namespace sterna::tensor::cuda
