// ls, local selection: of each bin the element with the largest |residue + gradient|, as a sign.
//
//   payload := ""                       nothing is sent: the layer is all zero
//            | scale  code*  padding    one code for each bin, in order
//   scale   := float32                  finite, its sign bit 0
//   code    := bit_width(2 L_T) bits    2 * index in the bin, 1 more if negative; 2 L_T: the bin is all zero
//   padding := zero bits                up to the next whole byte
//
// A layer's elements are cut into bins of L_T as adacomp's are, the last one maybe shorter. Ties go to the
// lower index. An element stands for +scale or -scale, where scale is the mean of the maxima over all bins,
// those that are all zero among them, summed in double, in bin order, and rounded to float32 once. Residue:
// residue + gradient, less what was sent.
//
// Source: the scheme that Chen et al., "AdaComp", AAAI 2018 (arXiv:1712.02679), compare theirs with, as we
// understand it: the same bins, scale and residue without the soft threshold. The encoding is our own.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "compressors/element_chooser.h"
#include "compressors/kernels/kernels.h"
#include "compressors/settings.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/bits.h"

namespace sterna::compressors {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw WireError(cat("[ls] payload: ", what));
}

class LocalSelection final : public ElementChooser<LocalSelection> {
 public:
  LocalSelection(std::size_t elements, std::size_t bin_elements)
      : ElementChooser(elements),
        bin_elements_(bin_elements),
        bins_(elements / bin_elements + (elements % bin_elements != 0 ? 1 : 0)),
        none_(static_cast<std::uint32_t>(2 * bin_elements)),
        code_bits_(static_cast<unsigned>(std::bit_width(none_))) {}

  std::size_t bins() const override { return bins_; }
  std::size_t max_payload_bytes() const override {
    return elements_ == 0 ? 0 : kScaleBytes + wire::packed_bytes(bins_, code_bits_);
  }

  Encoded encode(std::span<const float> gradient, std::span<float> residue, std::span<const std::byte>,
                 const StepKey&, std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    if (elements_ == 0) return {};
    wire::BitWriter writer(payload.subspan(kScaleBytes));
    const Maxima maxima = write_codes(gradient, residue, writer);
    if (maxima.count == 0) return {};
    const std::size_t code_bytes = writer.finish();
    const double mean = maxima.sum / static_cast<double>(bins_);
    // An infinite maximum has an infinite mean; the payload must be one that a receiver takes.
    store(payload, 0, static_cast<float>(std::min(mean, double{std::numeric_limits<float>::max()})));
    const std::size_t payload_bytes = kScaleBytes + code_bytes;
    for_each_element(payload.first(payload_bytes),
                     [&](std::size_t index, float value) { residue[index] -= value; });
    // A code's sign is one bit of many: codes are counted as indices, the scale as the value.
    return {.payload_bytes = payload_bytes, .elements_sent = maxima.count, .index_bytes = code_bytes};
  }

  std::optional<ElementValues> element_values() const override { return ElementValues::kSigns; }

 private:
  friend ElementChooser<LocalSelection>;

  static constexpr std::size_t kScaleBytes = sizeof(float);

  struct Maxima {
    std::size_t count = 0;  // that are not 0
    double sum = 0.0;       // of magnitudes
  };

  // residue += gradient, and a code for each bin.
  Maxima write_codes(std::span<const float> gradient, std::span<float> residue,
                     wire::BitWriter& writer) const {
    constexpr std::size_t kBlockBins = 256;
    std::array<std::uint32_t, kBlockBins> offsets;
    std::array<float, kBlockBins> values;
    Maxima maxima;
    for (std::size_t begin = 0; begin < elements_; begin += kBlockBins * bin_elements_) {
      const std::size_t length = std::min(kBlockBins * bin_elements_, elements_ - begin);
      kernels::fastest_kernels().select_in_chunks(gradient.data() + begin, residue.data() + begin, length,
                                                  bin_elements_, /*beta=*/1.0f, offsets.data(),
                                                  values.data());
      for (std::size_t i = 0; i * bin_elements_ < length; ++i) {
        const bool is_sent = offsets[i] != bin_elements_;
        writer.append(is_sent ? 2 * offsets[i] + (std::signbit(values[i]) ? 1 : 0) : none_, code_bits_);
        if (!is_sent) continue;
        // The kernel has taken all of it out; what is sent is known when the last bin was seen.
        residue[begin + i * bin_elements_ + offsets[i]] = values[i];
        maxima.sum += std::fabs(static_cast<double>(values[i]));
        ++maxima.count;
      }
    }
    return maxima;
  }

  // Calls each(index, scale or -scale) for what the payload sends.
  template <typename Each>
  void for_each_element(std::span<const std::byte> payload, const Each& each) const {
    if (payload.empty()) return;
    if (payload.size() < kScaleBytes) fail(cat(payload.size(), " bytes, expected at least 4 for the scale"));
    const auto scale = load<float>(payload, 0);
    if (std::signbit(scale) || !(scale <= std::numeric_limits<float>::max())) {
      fail(cat("scale = ", scale, ", expected a finite one that is not negative"));
    }
    wire::BitReader reader(payload.subspan(kScaleBytes));
    bool is_empty = true;
    for (std::size_t begin = 0; begin < elements_; begin += bin_elements_) {
      const std::uint32_t code = reader.read(code_bits_);
      if (code == none_) continue;
      const std::size_t offset = code / 2;
      if (offset >= std::min(bin_elements_, elements_ - begin)) {
        fail(cat("index ", offset, " in the bin at ", begin, " of ", elements_, " elements; bins have ",
                 bin_elements_));
      }
      each(begin + offset, code % 2 != 0 ? -scale : scale);
      is_empty = false;
    }
    reader.finish();
    if (is_empty) fail("no bin sends anything, expected no bytes then");
  }

  std::size_t bin_elements_;  // L_T
  std::size_t bins_;
  std::uint32_t none_;
  unsigned code_bits_;
};

}  // namespace

std::unique_ptr<Compressor> make_ls(const LayerShape& shape, const Options& options) {
  return std::make_unique<LocalSelection>(shape.elements, bin_elements("ls", shape, options));
}

}  // namespace sterna::compressors
