// Views of float32 tensors. A view owns nothing: buffers come from an Arena, or from whoever made the batch.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace sterna::tensor {

using Shape = std::vector<std::size_t>;

// Product of the extents; 1 for an empty shape.
[[nodiscard]] std::size_t elements_of(const Shape& shape);

// An order of elements that a back-end likes better than the plain one: [B, channels / lanes, height, width,
// lanes].
class BlockedLayout {
 public:
  virtual ~BlockedLayout() = default;

  // Length of a buffer; more than the tensor's elements where the channels fill no whole number of lanes.
  // What pads them is 0, and stays 0 under every operation that works element by element.
  [[nodiscard]] virtual std::size_t storage_elements() const = 0;

  // Channels that lie side by side.
  [[nodiscard]] virtual std::size_t lanes() const = 0;

  // The same layout of another shape.
  [[nodiscard]] virtual std::shared_ptr<const BlockedLayout> resized(const Shape& shape) const = 0;
};

// What a tensor looks like: its extents, and how they lie in memory.
struct TensorForm {
  Shape shape;                                            // [B, channels, height, width] or [B, features]
  std::shared_ptr<const BlockedLayout> blocks = nullptr;  // none: row-major without gaps

  [[nodiscard]] bool is_plain() const { return blocks == nullptr; }
  [[nodiscard]] std::size_t storage_elements() const {
    return is_plain() ? elements_of(shape) : blocks->storage_elements();
  }
  [[nodiscard]] std::size_t lanes() const { return is_plain() ? 1 : blocks->lanes(); }
  [[nodiscard]] TensorForm resized(const Shape& other) const {
    return {.shape = other, .blocks = is_plain() ? nullptr : blocks->resized(other)};
  }
};

// A form and the memory that has it. A tensor and its gradient have the same form, so whatever works element
// by element runs over storage() without knowing the layout.
template <typename Float>
struct BasicTensor {
  const TensorForm* form = nullptr;
  Float* data = nullptr;  // none: a gradient that nobody needs

  [[nodiscard]] std::span<Float> storage() const { return {data, form->storage_elements()}; }

  operator BasicTensor<const Float>() const  // NOLINT: a tensor may be read wherever it may be written
      requires(!std::is_const_v<Float>) {
    return {form, data};
  }
};

using Tensor = BasicTensor<float>;
using ConstTensor = BasicTensor<const float>;

}  // namespace sterna::tensor
