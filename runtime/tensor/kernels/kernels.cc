#include "runtime/tensor/kernels/kernels.h"

#include "runtime/core/processor.h"

namespace sterna::tensor::kernels {

std::vector<Kernels> supported_kernels() {
  std::vector<Kernels> supported = {{.name = "plain",
                                     .draw_keep_bits = draw_keep_bits_plain,
                                     .keep = keep_plain,
                                     .normalise = normalise_plain,
                                     .normalise_backward = normalise_backward_plain,
                                     .gelu = gelu_plain,
                                     .softmax = softmax_plain,
                                     .softmax_again = softmax_again_plain,
                                     .softmax_backward = softmax_backward_plain,
                                     .shifted_exponentials = shifted_exponentials_plain}};
  if (has_avx2()) supported.push_back(avx2_kernels());
  return supported;
}

const Kernels& fastest_kernels() {
  static const Kernels fastest = supported_kernels().back();
  return fastest;
}

}  // namespace sterna::tensor::kernels
