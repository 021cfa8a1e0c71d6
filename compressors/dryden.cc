// dryden: of the positive elements of residue + gradient the largest, 1 of `rate` and at least one, as their
// mean; of the negative elements the same.
//
//   payload  := ""                          nothing is sent: the layer is all zero
//             | positive  negative  signs   of the elements that are sent: signed_elements.h
//   positive := float32                     what a positive one stands for: finite, above 0; 0 if none is
//   negative := float32                     the same of negative ones, as a magnitude
//
// ceil(p / rate) of p positive elements are sent, found exactly, and of the negative ones alike; ties go to
// the lower index. Means are summed in double, in ascending order, and rounded to float32 once. Residue:
// residue + gradient, less what was sent.
//
// Source: Dryden et al., "Communication quantization for data-parallel training of deep neural networks",
// MLHPC 2016: thresholds of each sign that a fixed part of the elements reaches, means, error feedback. That
// the part is one of the elements of that sign is our reading, and the encoding our own.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "compressors/element_chooser.h"
#include "compressors/settings.h"
#include "compressors/signed_elements.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

constexpr std::size_t kPositive = 0, kNegative = 1;

// The 32 bits of a value, the sign first: 1 + 11, 10 and 10.
constexpr unsigned kFirstDigitBits = 11;
constexpr unsigned kFirstShift = 20;
constexpr unsigned kDigitBits = 10;

// The largest magnitudes of one sign, while they are sought digit by digit.
struct Side {
  std::size_t elements = 0;           // to be sent in all; 0 where none has this sign
  std::size_t wanted = 0;             // of them, with the prefix; after the last digit: at the threshold
  std::uint32_t prefix = 0xffffffff;  // highest bits of the threshold, the sign among them; matches none
};
using Sides = std::array<Side, 2>;

// Appends to the prefix the digit of the element that is the wanted-th largest.
void descend(std::span<const std::uint32_t> counts, Side& side) {
  if (side.elements == 0) return;
  std::uint32_t digit = static_cast<std::uint32_t>(counts.size()) - 1;
  while (counts[digit] < side.wanted) side.wanted -= counts[digit--];
  side.prefix = side.prefix << std::bit_width(counts.size() - 1) | digit;
}

// residue += gradient, and how many of each sign are sent, with the first digit of their thresholds.
Sides begin_sides(std::span<const float> gradient, std::span<float> residue, double rate) {
  constexpr std::size_t kSideDigits = 1 << kFirstDigitBits;
  constexpr std::size_t kBlockElements = 1024;  // stay in the L1 cache from loop to loop
  std::array<std::array<std::uint32_t, 2 * kSideDigits>, 2> counts{};  // two: neighbours often share a digit
  std::array<std::size_t, 2> zeros{};
  for (std::size_t begin = 0; begin < residue.size(); begin += kBlockElements) {
    const std::span<float> block = residue.subspan(begin, std::min(kBlockElements, residue.size() - begin));
    add_to(block, gradient.subspan(begin, block.size()));
    std::array<std::uint32_t, 2> block_zeros{};
    for (const float value : block) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      block_zeros[kPositive] += bits == 0 ? 1 : 0;
      block_zeros[kNegative] += bits == kSignBit ? 1 : 0;
    }
    for (std::size_t side : {kPositive, kNegative}) zeros[side] += block_zeros[side];
    for (std::size_t i = 0; i < block.size(); ++i) {
      ++counts[i % 2][std::bit_cast<std::uint32_t>(block[i]) >> kFirstShift];
    }
  }
  Sides sides;
  for (std::size_t side : {kPositive, kNegative}) {
    const std::span<std::uint32_t> of_side = std::span(counts[0]).subspan(side * kSideDigits, kSideDigits);
    std::size_t elements = 0;
    for (std::size_t i = 0; i < kSideDigits; ++i) {
      elements += of_side[i] += counts[1][side * kSideDigits + i];
    }
    const std::size_t sent = kept_elements(elements - zeros[side], rate);
    if (sent != 0)
      sides[side] = {.elements = sent, .wanted = sent, .prefix = static_cast<std::uint32_t>(side)};
    descend(of_side, sides[side]);
  }
  return sides;
}

// Where the elements are that have at least the prefixes, once their lowest `shift` bits are taken for 0.
Thresholds thresholds_of(const Sides& sides, unsigned shift) {
  Thresholds thresholds;
  if (sides[kPositive].elements != 0) thresholds.positive_bits = sides[kPositive].prefix << shift;
  if (sides[kNegative].elements != 0) thresholds.negative_bits = sides[kNegative].prefix << shift & ~kSignBit;
  return thresholds;
}

// The digit above the lowest `shift` bits.
void descend_by_digit(std::span<const float> values, unsigned shift, Sides& sides) {
  constexpr std::uint32_t kDigits = 1 << kDigitBits;
  std::array<std::array<std::uint32_t, kDigits>, 2> counts{};
  for_each_beyond(values, thresholds_of(sides, shift + kDigitBits), [&](std::size_t i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    const std::size_t side = bits >> 31;
    if (bits >> (shift + kDigitBits) == sides[side].prefix) ++counts[side][bits >> shift & (kDigits - 1)];
  });
  for (std::size_t side : {kPositive, kNegative}) descend(counts[side], sides[side]);
}

// A layer that holds an infinity or a NaN has such a mean; the payload must be one that a receiver takes.
float mean_of(double sum, std::size_t elements) {
  if (elements == 0) return 0.0f;
  constexpr float kLargest = std::numeric_limits<float>::max();
  const auto mean = static_cast<float>(sum / static_cast<double>(elements));
  return mean <= kLargest ? mean : kLargest;
}

class Dryden final : public ElementChooser<Dryden> {
 public:
  Dryden(std::size_t elements, double rate) : ElementChooser(elements), rate_(rate) {}

  std::optional<double> rate() const override { return rate_; }
  std::size_t max_payload_bytes() const override {
    if (elements_ == 0) return 0;
    // Two sides' numbers, each rounded up, are at most the layer's and 1; a quotient is off by 1 at most.
    return kSignsAt + signs_bytes(elements_, std::min(elements_, kept_elements(elements_, rate_) + 2));
  }

  Encoded encode(std::span<const float> gradient, std::span<float> residue, std::span<const std::byte>,
                 const StepKey&, std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    Sides sides = begin_sides(gradient, residue, rate_);
    const std::size_t sent = sides[kPositive].elements + sides[kNegative].elements;
    if (sent == 0) return {};
    descend_by_digit(residue, kDigitBits, sides);
    descend_by_digit(residue, 0, sides);
    const std::size_t payload_bytes = kSignsAt + write_signs(residue, sides, payload);
    for_each_element(payload.first(payload_bytes),
                     [&](std::size_t index, float value) { residue[index] -= value; });
    return {.payload_bytes = payload_bytes, .elements_sent = sent, .index_bytes = payload_bytes - kSignsAt};
  }

  std::optional<ElementValues> element_values() const override { return ElementValues::kFloats; }

 private:
  friend ElementChooser<Dryden>;

  static constexpr std::size_t kSignsAt = 2 * sizeof(float);

  // Writes means and signs; returns the bytes of the signs.
  std::size_t write_signs(std::span<const float> values, const Sides& sides,
                          std::span<std::byte> payload) const {
    std::array<std::size_t, 2> ties_left = {sides[kPositive].wanted, sides[kNegative].wanted};
    std::array<double, 2> sums{};
    SignWriter writer(payload.subspan(kSignsAt), elements_);
    for_each_beyond(values, thresholds_of(sides, 0), [&](std::size_t i) {
      const auto bits = std::bit_cast<std::uint32_t>(values[i]);
      const std::size_t side = bits >> 31;
      if (bits == sides[side].prefix && ties_left[side] == 0) return;
      if (bits == sides[side].prefix) --ties_left[side];
      writer.append(i, side == kNegative);
      sums[side] += std::fabs(static_cast<double>(values[i]));
    });
    STERNA_CHECK(writer.count() == sides[kPositive].elements + sides[kNegative].elements);
    for (std::size_t side : {kPositive, kNegative}) {
      store(payload, side * sizeof(float), mean_of(sums[side], sides[side].elements));
    }
    return writer.finish();
  }

  // Calls each(index, value) for what the payload sends.
  template <typename Each>
  void for_each_element(std::span<const std::byte> payload, const Each& each) const {
    if (payload.empty()) return;
    if (payload.size() < kSignsAt) fail(cat(payload.size(), " bytes, expected at least 8 for two means"));
    std::array<float, 2> means{};
    std::array<bool, 2> are_used{};
    for (std::size_t side : {kPositive, kNegative}) means[side] = load<float>(payload, side * sizeof(float));
    SignReader signs("dryden", payload.subspan(kSignsAt), elements_);
    while (signs.next()) {
      const std::size_t side = signs.is_negative() ? kNegative : kPositive;
      if (!are_used[side]) require_mean(means[side], /*is_used=*/true);
      are_used[side] = true;
      each(signs.index(), signs.is_negative() ? -means[side] : means[side]);
    }
    for (std::size_t side : {kPositive, kNegative}) require_mean(means[side], are_used[side]);
  }

  static void require_mean(float mean, bool is_used) {
    const bool is_legal = is_used ? mean > 0.0f && mean <= std::numeric_limits<float>::max()
                                  : std::bit_cast<std::uint32_t>(mean) == 0;
    if (!is_legal)
      fail(cat("mean of a sign = ", mean, is_used ? ", expected a finite one above 0" : ", expected 0"));
  }

  [[noreturn]] static void fail(const std::string& what) { throw WireError(cat("[dryden] payload: ", what)); }

  double rate_;
};

}  // namespace

std::unique_ptr<Compressor> make_dryden(const LayerShape& shape, const Options& options) {
  check_rate("dryden", options);
  check_indexable("dryden", shape);
  return std::make_unique<Dryden>(shape.elements, options.rate);
}

}  // namespace sterna::compressors
