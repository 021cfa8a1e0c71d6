// What gathered methods have in common whose payload is a choice of elements with a value each: what is
// added, and what is listed, follow from going through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {

// The base of `Method`, which has for_each_element(payload, each): it calls each(index, value) for what the
// payload sends, ascending, and throws WireError where no encoder can have written it.
template <typename Method>
class ElementChooser : public Compressor {
 public:
  Exchange exchange() const final { return Exchange::kGathered; }
  bool has_residue() const final { return true; }

  void accumulate(std::span<const std::byte> payload, std::span<float> out) const final {
    STERNA_CHECK(out.size() == elements_);
    method().for_each_element(payload, [&](std::size_t index, float value) { out[index] += value; });
  }

  void read_elements(std::span<const std::byte> payload, std::vector<Element>& elements) const final {
    elements.clear();
    method().for_each_element(payload, [&](std::size_t index, float value) {
      elements.push_back({.index = static_cast<std::uint32_t>(index), .value = value});
    });
  }

 protected:
  explicit ElementChooser(std::size_t elements) : elements_(elements) {}

  const std::size_t elements_;  // n

 private:
  [[nodiscard]] const Method& method() const { return static_cast<const Method&>(*this); }
};

}  // namespace sterna::compressors
