#include "runtime/tensor/max_pooling.h"

#include <algorithm>
#include <cstring>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

constexpr std::size_t kGroupLanes = 4;  // 16 bytes: every x86-64 has vectors of that width

std::size_t pooled(std::size_t extent, const PoolingShape& shape) {
  STERNA_CHECK((extent + 2 * shape.padding) >= shape.window);
  return (extent + 2 * shape.padding - shape.window) / shape.stride + 1;
}

TensorForm pooled_form(const TensorForm& input, const PoolingShape& shape) {
  STERNA_CHECK(input.shape.size() == 4u);
  return input.resized(
      {input.shape[0], input.shape[1], pooled(input.shape[2], shape), pooled(input.shape[3], shape)});
}

// What of a window lies in the image.
struct Window {
  std::size_t rows, columns;
  std::size_t row_elements;  // of the input
  std::size_t lanes;
};

struct Range {
  std::size_t begin, end;
};

// The rows, or columns, of the image in the window of that number.
Range clipped(std::size_t number, std::size_t extent, const PoolingShape& shape) {
  const std::size_t begin = number * shape.stride;  // counted from the padding's edge
  return {.begin = std::max(begin, shape.padding) - shape.padding,
          .end = std::min(begin + shape.window - shape.padding, extent)};
}

// The compiler does not turn selections into vector instructions by itself, and splits vectors wider than
// these into single numbers; both made pooling 8 times slower.
template <std::size_t kWidth>
struct Group {
  using Values [[gnu::vector_size(kWidth * sizeof(float))]] = float;
  using Places [[gnu::vector_size(kWidth * sizeof(std::int32_t))]] = std::int32_t;
};

template <typename Vector, typename Element>
void read(const Element* from, Vector& vector) {
  std::memcpy(&vector, from, sizeof(Vector));
}

template <typename Vector, typename Element>
void write(const Vector& vector, Element* to) {
  std::memcpy(to, &vector, sizeof(Vector));
}

// Pools kWidth lanes of one window, whose first place is `corner`.
template <std::size_t kWidth>
void pool_window(const Window window, const float* corner, float* output, std::int32_t* chosen) {
  typename Group<kWidth>::Values largest, value;
  typename Group<kWidth>::Places place = {}, place_of_largest = {};
  read(corner, largest);
  for (std::size_t y = 0; y < window.rows; ++y) {
    for (std::size_t x = 0; x < window.columns; ++x, place += 1) {
      read(corner + y * window.row_elements + x * window.lanes, value);
      const auto is_larger = (value > largest) | (value != value);
      largest = is_larger ? value : largest;
      place_of_largest = is_larger ? place : place_of_largest;
    }
  }
  write(largest, output);
  write(place_of_largest, chosen);
}

// Adds the gradients of kWidth lanes of one window to the places that were chosen.
template <std::size_t kWidth>
void spread_window(const Window window, const float* output, const std::int32_t* chosen, float* corner) {
  typename Group<kWidth>::Values gradient, sum;
  typename Group<kWidth>::Places place = {}, place_of_largest;
  read(output, gradient);
  read(chosen, place_of_largest);
  for (std::size_t y = 0; y < window.rows; ++y) {
    for (std::size_t x = 0; x < window.columns; ++x, place += 1) {
      float* const at = corner + y * window.row_elements + x * window.lanes;
      read(at, sum);
      sum += place_of_largest == place ? gradient : typename Group<kWidth>::Values{};
      write(sum, at);
    }
  }
}

}  // namespace

MaxPooling::MaxPooling(const TensorForm& input, const PoolingShape& shape)
    : shape_(shape),
      output_form_(pooled_form(input, shape)),
      lanes_(input.lanes()),
      planes_(input.storage_elements() / (input.shape[2] * input.shape[3] * lanes_)),
      input_{input.shape[2], input.shape[3]},
      output_{output_form_.shape[2], output_form_.shape[3]},
      chosen_(output_form_.storage_elements()) {
  STERNA_CHECK((2 * shape.padding) <= shape.window);
  STERNA_CHECK((lanes_ == 1 || lanes_ % kGroupLanes == 0) == true);
}

template <typename Visit>
void MaxPooling::for_each_window(std::size_t plane, const Visit& visit) const {
  const std::size_t width = lanes_ == 1 ? 1 : kGroupLanes;
  for (std::size_t y = 0; y < output_.height; ++y) {
    const Range rows = clipped(y, input_.height, shape_);
    const std::size_t input_row = (plane * input_.height + rows.begin) * input_.width;
    const std::size_t output_row = (plane * output_.height + y) * output_.width;
    for (std::size_t x = 0; x < output_.width; ++x) {
      const Range columns = clipped(x, input_.width, shape_);
      const Window window{.rows = rows.end - rows.begin,
                          .columns = columns.end - columns.begin,
                          .row_elements = input_.width * lanes_,
                          .lanes = lanes_};
      for (std::size_t lane = 0; lane < lanes_; lane += width) {
        visit(window, (input_row + columns.begin) * lanes_ + lane, (output_row + x) * lanes_ + lane);
      }
    }
  }
}

void MaxPooling::forward(ConstTensor input, Tensor output) {
  const auto pool = lanes_ == 1 ? pool_window<1> : pool_window<kGroupLanes>;
#pragma omp parallel for
  for (std::size_t plane = 0; plane < planes_; ++plane) {
    for_each_window(plane, [&](const Window& window, std::size_t corner, std::size_t at) {
      pool(window, input.data + corner, output.data + at, chosen_.data() + at);
    });
  }
}

void MaxPooling::backward(ConstTensor output_gradient, Tensor input_gradient) {
  const auto spread = lanes_ == 1 ? spread_window<1> : spread_window<kGroupLanes>;
  const std::size_t plane_elements = input_.height * input_.width * lanes_;
#pragma omp parallel for
  for (std::size_t plane = 0; plane < planes_; ++plane) {
    std::fill_n(input_gradient.data + plane * plane_elements, plane_elements, 0.0f);
    for_each_window(plane, [&](const Window& window, std::size_t corner, std::size_t at) {
      spread(window, output_gradient.data + at, chosen_.data() + at, input_gradient.data + corner);
    });
  }
}

}  // namespace sterna::tensor
