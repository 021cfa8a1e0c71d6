// strom: the elements whose |residue + gradient| reaches a fixed threshold, tau, as +tau or -tau.
//
//   payload := ""        nothing is sent
//            | signs     of the elements that are sent: signed_elements.h
//
// Both ends know tau: it is a setting. Residue: residue + gradient, less what was sent; however far an
// element is beyond the threshold, a step sends one tau of it.
//
// Source: Strom, "Scalable distributed DNN training using commodity GPU cloud computing", Interspeech 2015.
// The encoding is our own.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compressors/element_chooser.h"
#include "compressors/settings.h"
#include "compressors/signed_elements.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

class Strom final : public ElementChooser<Strom> {
 public:
  Strom(std::size_t elements, float threshold) : ElementChooser(elements), threshold_(threshold) {}

  std::size_t max_payload_bytes() const override {
    return elements_ == 0 ? 0 : signs_bytes(elements_, elements_);
  }

  Encoded encode(std::span<const float> gradient, std::span<float> residue, std::span<const std::byte>,
                 const StepKey&, std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    if (elements_ == 0) return {};
    const auto bits = std::bit_cast<std::uint32_t>(threshold_);
    const Thresholds thresholds{.positive_bits = bits, .negative_bits = bits};
    SignWriter writer(payload, elements_);
    constexpr std::size_t kBlockElements = 1024;  // stay in the L1 cache from the addition to the search
    for (std::size_t begin = 0; begin < elements_; begin += kBlockElements) {
      const std::span<float> block = residue.subspan(begin, std::min(kBlockElements, elements_ - begin));
      add_to(block, gradient.subspan(begin, block.size()));
      for_each_beyond(block, thresholds, [&](std::size_t i) {
        const bool is_negative = std::signbit(block[i]);
        writer.append(begin + i, is_negative);
        block[i] -= is_negative ? -threshold_ : threshold_;
      });
    }
    const std::size_t sent = writer.count();
    if (sent == 0) return {};
    const std::size_t payload_bytes = writer.finish();
    // A code's sign is one bit of many: codes are counted as indices.
    return {.payload_bytes = payload_bytes, .elements_sent = sent, .index_bytes = payload_bytes};
  }

  std::optional<ElementValues> element_values() const override { return ElementValues::kSigns; }

 private:
  friend ElementChooser<Strom>;

  // Calls each(index, tau or -tau) for what the payload sends.
  template <typename Each>
  void for_each_element(std::span<const std::byte> payload, const Each& each) const {
    if (payload.empty()) return;
    SignReader signs("strom", payload, elements_);
    while (signs.next()) each(signs.index(), signs.is_negative() ? -threshold_ : threshold_);
  }

  float threshold_;  // tau
};

}  // namespace

std::unique_ptr<Compressor> make_strom(const LayerShape& shape, const Options& options) {
  check_indexable("strom", shape);
  if (!(options.threshold > 0.0f && options.threshold <= std::numeric_limits<float>::max())) {
    throw ConfigError(
        cat("[strom] threshold = ", options.threshold,
            ": must be above 0 and finite, in float32; it is what one step sends of an element, ",
            "and depends on the size of gradients: try 0.03, and look at the logged rate"));
  }
  return std::make_unique<Strom>(shape.elements, options.threshold);
}

}  // namespace sterna::compressors
