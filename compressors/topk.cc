// topk: the k = ceil(n / rate) elements with the largest |residue + gradient|, found exactly; plain error
// feedback.
//
//   payload := index*  padding  value*    c of each: the one c <= k for which the payload has this length
//   index   := ceil(log2 n) bits          ascending
//   padding := zero bits                  up to the next whole byte
//   value   := float32                    residue + gradient at the index of the same place
//
// Ties go to the lower index; zeros are never sent, so that c < k where fewer than k elements are not zero.
// Residue: 0 where an element was sent, residue + gradient elsewhere.
// Source: error feedback as in Seide et al., Interspeech 2014; top-k as in Aji and Heafield, EMNLP 2017.
#include "compressors/element_chooser.h"
#include "compressors/settings.h"
#include "compressors/top_magnitudes.h"
#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"
#include "runtime/wire/bits.h"

namespace sterna::compressors {
namespace {

class TopK final : public ElementChooser<TopK> {
 public:
  TopK(const LayerShape& shape, const Options& options)
      : ElementChooser(shape.elements),
        rate_(options.rate),
        k_(kept_elements(elements_, options.rate)),
        index_bits_(index_bits(elements_)) {}

  std::optional<double> rate() const override { return rate_; }
  std::size_t max_payload_bytes() const override { return payload_bytes(k_); }

  Encoded encode(std::span<const float> gradient, std::span<float> residue, std::span<const std::byte>,
                 const StepKey&, std::span<std::byte> payload) const override {
    check_arguments(elements_, gradient, residue, max_payload_bytes(), payload);
    const TopMagnitudes top = find_top_magnitudes(gradient, residue, k_);
    const std::size_t values_at = wire::packed_bytes(top.count, index_bits_);
    send_top_magnitudes(top, gradient, residue, /*beta=*/1.0f, index_bits_, payload.first(values_at),
                        payload.subspan(values_at, top.count * sizeof(float)));
    return {.payload_bytes = payload_bytes(top.count), .elements_sent = top.count, .index_bytes = values_at};
  }

  std::optional<ElementValues> element_values() const override { return ElementValues::kFloats; }

 private:
  friend ElementChooser<TopK>;

  // Calls each(index, value) for what the payload sends.
  template <typename Each>
  void for_each_element(std::span<const std::byte> payload, const Each& each) const {
    const std::size_t count = count_of(payload);
    const std::size_t values_at = wire::packed_bytes(count, index_bits_);
    AscendingIndices indices(payload.first(values_at), count, elements_);
    std::size_t offset = values_at;
    while (const auto index = indices.next()) {
      each(*index, load<float>(payload, offset));
      offset += sizeof(float);
    }
  }

  std::size_t payload_bytes(std::size_t count) const {
    return wire::packed_bytes(count, index_bits_) + count * sizeof(float);
  }

  // Each element takes 4 bytes and more, padding less than one: no two counts have the same length.
  std::size_t count_of(std::span<const std::byte> payload) const {
    const std::size_t count =
        payload.size() > max_payload_bytes() ? k_ : payload.size() * 8 / (32 + index_bits_);
    if (payload_bytes(count) != payload.size()) {
      throw WireError(cat("[topk] payload has ", payload.size(), " bytes: with indices of ", index_bits_,
                          " bits no count of elements takes that many; expected at most ",
                          max_payload_bytes()));
    }
    return count;
  }

  double rate_;
  std::size_t k_;
  unsigned index_bits_;
};

}  // namespace

std::unique_ptr<Compressor> make_topk(const LayerShape& shape, const Options& options) {
  check_rate("topk", options);
  check_indexable("topk", shape);
  return std::make_unique<TopK>(shape, options);
}

}  // namespace sterna::compressors
