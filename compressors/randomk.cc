// randomk: k = ceil(n / rate) elements, drawn anew at each step, the same ones of all learners; plain error
// feedback.
//
//   payload := value*    k of them: float32, residue + gradient at the indices, in their order
//
//   indices := index*    k of them: 32 bits, little-endian, ascending; not sent: every rank draws them alike
//
// Any k elements are as likely as any others. For each j from n - k to n - 1, one of 0 to j is drawn, and j
// is taken where that one was drawn before (Floyd's algorithm); with integers alone, so that all machines
// agree. The random numbers are those of seed, step and layer. Zeros are sent too. Residue: 0 where an
// element was sent, residue + gradient elsewhere.
//
// Source: rand-k of Stich et al., "Sparsified SGD with memory", NeurIPS 2018; Bentley and Floyd, "A sample of
// brilliance", Communications of the ACM 30(9), 1987.
#include <algorithm>
#include <bit>

#include "compressors/compressor.h"
#include "compressors/settings.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::compressors {
namespace {

class RandomK final : public Compressor {
 public:
  RandomK(std::size_t elements, const Options& options)
      : elements_(elements),
        rate_(options.rate),
        k_(kept_elements(elements, options.rate)),
        seed_(options.seed) {}

  Exchange exchange() const override { return Exchange::kSummed; }
  bool has_residue() const override { return true; }
  std::optional<double> rate() const override { return rate_; }
  std::size_t max_payload_bytes() const override { return k_ * sizeof(float); }
  std::size_t max_index_bytes() const override { return k_ * kIndexBytes; }

  std::size_t write_shared_indices(const StepKey& key, std::span<std::byte> indices) const override {
    STERNA_CHECK(indices.size() >= max_index_bytes());
    std::size_t written = 0;
    const std::vector<std::uint64_t> drawn = draw(key);
    for (std::size_t word = 0; word < drawn.size(); ++word) {
      for (std::uint64_t left = drawn[word]; left != 0; left &= left - 1) {
        store(indices, written,
              static_cast<std::uint32_t>(word * kWordBits) +
                  static_cast<std::uint32_t>(std::countr_zero(left)));
        written += kIndexBytes;
      }
    }
    return written;
  }

  Encoded encode(std::span<const float> gradient, std::span<float> residue,
                 std::span<const std::byte> indices, const StepKey&,
                 std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    check_indices(indices);
    constexpr std::size_t kBlockElements = 1024;  // stay in the L1 cache from the addition to the choice
    std::size_t sent = 0;
    for (std::size_t begin = 0; begin < elements_; begin += kBlockElements) {
      const std::size_t length = std::min(kBlockElements, elements_ - begin);
      add_to(residue.subspan(begin, length), gradient.subspan(begin, length));
      for (; sent < k_ && index(indices, sent) < begin + length; ++sent) {
        float& value = residue[index(indices, sent)];
        store(payload, sent * sizeof(float), value);
        value = 0.0f;
      }
    }
    return {.payload_bytes = k_ * sizeof(float), .elements_sent = k_};
  }

  std::size_t payload_values(std::span<const std::byte> indices) const override {
    check_indices(indices);
    return k_;
  }

  void scatter(std::span<const std::byte> indices, std::span<const float> values,
               std::span<float> out) const override {
    check_indices(indices);
    STERNA_CHECK(values.size() == k_);
    STERNA_CHECK(out.size() == elements_);
    std::ranges::fill(out, 0.0f);
    for (std::size_t i = 0; i < k_; ++i) out[index(indices, i)] = values[i];
  }

 private:
  static constexpr std::size_t kIndexBytes = 4;
  static constexpr std::size_t kWordBits = 64;

  static std::size_t index(std::span<const std::byte> indices, std::size_t i) {
    return load<std::uint32_t>(indices, i * kIndexBytes);
  }

  // One bit for each element of the layer; k of them are set.
  std::vector<std::uint64_t> draw(const StepKey& key) const {
    const RandomKey random{.seed = seed_,
                           .use = RandomUse::kSelection,
                           .step = static_cast<std::uint32_t>(key.step),
                           .layer = key.layer};
    std::vector<std::uint64_t> drawn(elements_ / kWordBits + 1);
    const auto bit = [](std::size_t element) { return std::uint64_t{1} << element % kWordBits; };
    for (std::size_t j = elements_ - k_; j < elements_; ++j) {
      std::size_t element = random_below(random, j, static_cast<std::uint32_t>(j) + 1);
      if ((drawn[element / kWordBits] & bit(element)) != 0) element = j;
      drawn[element / kWordBits] |= bit(element);
    }
    return drawn;
  }

  void check_indices(std::span<const std::byte> indices) const {
    if (indices.size() != max_index_bytes()) {
      throw WireError(
          cat("[randomk] index section has ", indices.size(), " bytes, expected ", max_index_bytes()));
    }
    std::size_t lowest = 0;
    for (std::size_t i = 0; i < k_; ++i) {
      const std::size_t at = index(indices, i);
      if (at < lowest || at >= elements_) {
        throw WireError(cat("[randomk] index ", at, " of a layer of ", elements_,
                            " elements, expected one from ", lowest, " on"));
      }
      lowest = at + 1;
    }
  }

  std::size_t elements_;
  double rate_;
  std::size_t k_;
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Compressor> make_randomk(const LayerShape& shape, const Options& options) {
  check_rate("randomk", options);
  check_indexable("randomk", shape);
  return std::make_unique<RandomK>(shape.elements, options);
}

}  // namespace sterna::compressors
