// none, fp16, bf16: every value, in the number format of that name.
//
//   payload := value*   n values, little-endian: float32, float16 or bfloat16
//
// Values are rounded to nearest, ties to even. A value beyond the format's range is sent as the largest
// finite one of its sign: an infinity would never leave the sum again. A learner's payload keeps nothing
// back: no residue.
#include <algorithm>
#include <array>
#include <limits>

#include "compressors/compressor.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

using numerics::ValueFormat;

float largest_of(ValueFormat format) {
  switch (format) {
    case ValueFormat::kFloat16:
      return numerics::float32_from_float16(0x7bff);  // 65504
    case ValueFormat::kBfloat16:
      return numerics::float32_from_bfloat16(0x7f7f);  // 3.3895e38
    case ValueFormat::kFloat32:
      break;
  }
  return std::numeric_limits<float>::max();
}

class Dense final : public Compressor {
 public:
  Dense(const LayerShape& shape, ValueFormat format) : elements_(shape.elements), format_(format) {}

  Exchange exchange() const override { return Exchange::kSummed; }
  bool has_residue() const override { return false; }
  std::size_t max_payload_bytes() const override { return elements_ * numerics::bytes_per_value(format_); }
  ValueFormat value_format() const override { return format_; }

  Encoded encode(std::span<const float> gradient, std::span<float>, std::span<const std::byte> indices,
                 const StepKey&, std::span<std::byte> payload) const override {
    STERNA_CHECK(gradient.size() == elements_);
    STERNA_CHECK(payload.size() >= max_payload_bytes());
    refuse_indices(indices);
    const std::span<std::byte> bytes = payload.first(max_payload_bytes());
    if (format_ == ValueFormat::kFloat32) {
      numerics::pack_values(gradient, format_, bytes);
    } else {
      pack_saturated(gradient, bytes);
    }
    return {.payload_bytes = bytes.size(), .elements_sent = elements_};
  }

  std::size_t payload_values(std::span<const std::byte> indices) const override {
    refuse_indices(indices);
    return elements_;
  }

  void scatter(std::span<const std::byte> indices, std::span<const float> values,
               std::span<float> out) const override {
    refuse_indices(indices);
    STERNA_CHECK(values.size() == elements_);
    STERNA_CHECK(out.size() == elements_);
    std::ranges::copy(values, out.begin());
  }

 private:
  static void refuse_indices(std::span<const std::byte> indices) {
    if (indices.empty()) return;
    throw WireError(cat("[dense] index section has ", indices.size(), " bytes, expected none"));
  }

  // In blocks that stay in the L1 cache between the two steps.
  void pack_saturated(std::span<const float> gradient, std::span<std::byte> bytes) const {
    constexpr std::size_t kBlockElements = 1024;
    std::array<float, kBlockElements> block;
    const float largest = largest_of(format_);
    const std::size_t value_bytes = numerics::bytes_per_value(format_);
    for (std::size_t begin = 0; begin < elements_; begin += kBlockElements) {
      const std::size_t length = std::min(kBlockElements, elements_ - begin);
      for (std::size_t i = 0; i < length; ++i) block[i] = std::clamp(gradient[begin + i], -largest, largest);
      numerics::pack_values(std::span(block).first(length), format_,
                            bytes.subspan(begin * value_bytes, length * value_bytes));
    }
  }

  std::size_t elements_;
  ValueFormat format_;
};

}  // namespace

std::unique_ptr<Compressor> make_none(const LayerShape& shape, const Options&) {
  return std::make_unique<Dense>(shape, ValueFormat::kFloat32);
}

std::unique_ptr<Compressor> make_fp16(const LayerShape& shape, const Options&) {
  return std::make_unique<Dense>(shape, ValueFormat::kFloat16);
}

std::unique_ptr<Compressor> make_bf16(const LayerShape& shape, const Options&) {
  return std::make_unique<Dense>(shape, ValueFormat::kBfloat16);
}

}  // namespace sterna::compressors
