#include "compressors/settings.h"

#include <bit>
#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::compressors {

void check_rate(std::string_view method, const Options& options) {
  if (options.rate >= 1.0 && options.rate <= kMaxRate) return;  // a NaN is not
  throw ConfigError(cat("[", method, "] rate = ", options.rate, ": must be in [1, ", kMaxRate,
                        "]; one of `rate` elements is sent, 100 is a usual value"));
}

void check_indexable(std::string_view method, const LayerShape& shape) {
  constexpr std::size_t kMaxElements = 0xffffffff;
  if (shape.elements <= kMaxElements) return;
  throw ConfigError(cat("[", method, "] elements of a layer = ", shape.elements, ": must be at most ",
                        kMaxElements, ", so that an index and a count fit 32 bits; split the parameter"));
}

std::size_t bin_elements(std::string_view method, const LayerShape& shape, const Options& options) {
  const bool is_convolution = shape.kind == LayerKind::kConvolution;
  const std::size_t elements = is_convolution ? options.bin_conv : options.bin_fc;
  if (elements >= 1 && elements <= kMaxBinElements) return elements;
  throw ConfigError(cat("[", method, "] ", is_convolution ? "bin-conv" : "bin-fc", " = ", elements,
                        ": must be in [1, ", kMaxBinElements,
                        "]; the AdaComp paper's are 50 for convolutions, 500 elsewhere"));
}

std::size_t kept_elements(std::size_t elements, double rate) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(elements) / rate));
}

unsigned index_bits(std::size_t elements) {
  return elements <= 1 ? 0 : static_cast<unsigned>(std::bit_width(elements - 1));
}

void check_arguments(std::size_t elements, std::span<const float> gradient, std::span<const float> residue,
                     std::size_t payload_bytes, std::span<const std::byte> payload) {
  STERNA_CHECK(gradient.size() == elements);
  STERNA_CHECK(residue.size() == elements);
  STERNA_CHECK(payload.size() >= payload_bytes);
}

void add_to(std::span<float> residue, std::span<const float> gradient) {
  for (std::size_t i = 0; i < residue.size(); ++i) residue[i] += gradient[i];
}

}  // namespace sterna::compressors
