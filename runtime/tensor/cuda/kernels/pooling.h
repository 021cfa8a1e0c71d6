// Pooling of planes [planes, height, width]: a thread for each element that is written, so that backward
// gathers what the CPU scatters, in the same order. Bits are those of ../../max_pooling.h and
// average_pooling.h.
#pragma once

#include "runtime/tensor/cuda/kernels/elementwise.h"

namespace sterna::tensor::cuda {

struct IndexRange {
  std::uint32_t begin, end;
};

// What of one window lies in the image, in rows or in columns.
STERNA_DEVICE IndexRange clipped_window(std::uint32_t number, std::uint32_t extent,
                                        const PoolingExtents& shape) {
  const std::uint32_t begin = number * shape.stride;  // counted from the padding's edge
  const std::uint32_t end = begin + shape.window - shape.padding;
  return {.begin = begin < shape.padding ? 0 : begin - shape.padding, .end = end < extent ? end : extent};
}

// The windows that one row, or column, lies in.
STERNA_DEVICE IndexRange windows_of(std::uint32_t at, std::uint32_t windows, const PoolingExtents& shape) {
  const std::uint32_t padded = at + shape.padding;
  const std::uint32_t last = padded / shape.stride;
  return {.begin = padded < shape.window ? 0 : (padded - shape.window) / shape.stride + 1,
          .end = last < windows ? last + 1 : windows};
}

struct MaxPoolForward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, PoolingExtents shape,
                                std::uint32_t outputs, float* output, std::int32_t* chosen) {
    for_each_element(context, outputs, [&](std::uint32_t i) {
      const std::uint32_t row = i / shape.output_width;
      const float* const plane =
          input + std::size_t{row / shape.output_height} * (shape.height * shape.width);
      const IndexRange rows = clipped_window(row % shape.output_height, shape.height, shape);
      const IndexRange columns = clipped_window(i % shape.output_width, shape.width, shape);
      float largest = plane[rows.begin * shape.width + columns.begin];
      std::int32_t place = 0, place_of_largest = 0;
      for (std::uint32_t y = rows.begin; y < rows.end; ++y) {
        for (std::uint32_t x = columns.begin; x < columns.end; ++x, ++place) {
          const float value = plane[y * shape.width + x];
          if (!(value > largest) && value == value) continue;
          largest = value;
          place_of_largest = place;
        }
      }
      output[i] = largest;
      chosen[i] = place_of_largest;
    });
  }
};

struct MaxPoolBackward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* output_gradient,
                                const std::int32_t* chosen, PoolingExtents shape, std::uint32_t inputs,
                                float* input_gradient) {
    for_each_element(context, inputs, [&](std::uint32_t i) {
      const std::uint32_t row = i / shape.width % shape.height;
      const std::uint32_t column = i % shape.width;
      const std::uint32_t plane = i / (shape.width * shape.height);
      const IndexRange over_rows = windows_of(row, shape.output_height, shape);
      const IndexRange over_columns = windows_of(column, shape.output_width, shape);
      float sum = 0.0f;
      for (std::uint32_t y = over_rows.begin; y < over_rows.end; ++y) {
        const IndexRange rows = clipped_window(y, shape.height, shape);
        for (std::uint32_t x = over_columns.begin; x < over_columns.end; ++x) {
          const IndexRange columns = clipped_window(x, shape.width, shape);
          const std::uint32_t place =
              (row - rows.begin) * (columns.end - columns.begin) + (column - columns.begin);
          const std::size_t at = (std::size_t{plane} * shape.output_height + y) * shape.output_width + x;
          if (chosen[at] == static_cast<std::int32_t>(place)) sum += output_gradient[at];
        }
      }
      input_gradient[i] = sum;
    });
  }
};

// Window `number` of so many: of one size side by side, or as adaptive pooling divides the extent.
STERNA_DEVICE IndexRange averaged(std::uint32_t number, std::uint32_t extent, std::uint32_t windows,
                                  std::uint32_t window) {
  if (window > 0) return {.begin = number * window, .end = (number + 1) * window};
  return {.begin = number * extent / windows, .end = ((number + 1) * extent + windows - 1) / windows};
}

// The windows of average pooling that one row, or column, lies in; none where it fills no whole window.
STERNA_DEVICE IndexRange averages_of(std::uint32_t at, std::uint32_t extent, std::uint32_t windows,
                                     std::uint32_t window) {
  if (window > 0) {
    const std::uint32_t number = at / window;
    return {.begin = number, .end = number < windows ? number + 1 : number};
  }
  return {.begin = at * windows / extent, .end = ((at + 1) * windows + extent - 1) / extent};
}

STERNA_DEVICE float weight_of_window(const IndexRange& rows, const IndexRange& columns) {
  return 1.0f / static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin));
}

struct AveragePoolForward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* input, PoolingExtents shape,
                                std::uint32_t outputs, float* output) {
    for_each_element(context, outputs, [&](std::uint32_t i) {
      const std::uint32_t row = i / shape.output_width;
      const float* const plane =
          input + std::size_t{row / shape.output_height} * (shape.height * shape.width);
      const IndexRange rows =
          averaged(row % shape.output_height, shape.height, shape.output_height, shape.window);
      const IndexRange columns =
          averaged(i % shape.output_width, shape.width, shape.output_width, shape.window);
      float sum = 0.0f;
      for (std::uint32_t y = rows.begin; y < rows.end; ++y) {
        for (std::uint32_t x = columns.begin; x < columns.end; ++x) sum += plane[y * shape.width + x];
      }
      output[i] = sum * weight_of_window(rows, columns);
    });
  }
};

struct AveragePoolBackward {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* output_gradient, PoolingExtents shape,
                                std::uint32_t inputs, float* input_gradient) {
    for_each_element(context, inputs, [&](std::uint32_t i) {
      const std::uint32_t row = i / shape.width % shape.height;
      const std::uint32_t column = i % shape.width;
      const std::uint32_t plane = i / (shape.width * shape.height);
      const IndexRange over_rows = averages_of(row, shape.height, shape.output_height, shape.window);
      const IndexRange over_columns = averages_of(column, shape.width, shape.output_width, shape.window);
      float sum = 0.0f;
      for (std::uint32_t y = over_rows.begin; y < over_rows.end; ++y) {
        const IndexRange rows = averaged(y, shape.height, shape.output_height, shape.window);
        for (std::uint32_t x = over_columns.begin; x < over_columns.end; ++x) {
          const IndexRange columns = averaged(x, shape.width, shape.output_width, shape.window);
          const std::size_t at = (std::size_t{plane} * shape.output_height + y) * shape.output_width + x;
          sum += output_gradient[at] * weight_of_window(rows, columns);
        }
      }
      input_gradient[i] = sum;
    });
  }
};

}  // namespace sterna::tensor::cuda
