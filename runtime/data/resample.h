// Images of another size: bilinear, over as many pixels as the reduction asks for, as Pillow's BILINEAR.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/data/jpeg.h"

namespace sterna::data {

// Rows, or columns: `outputs` places cover the pixels from `begin` on, and `kept` of them, from `first` on,
// are wanted.
struct ResampledAxis {
  std::size_t begin, pixels;
  std::size_t outputs;
  std::size_t first, kept;
};

// Returns values in [0, 255], [3, rows.kept, columns.kept]: an output's weights fall off linearly around its
// centre, to 0 at a distance of max(1, pixels / outputs) pixels. Nothing outside of the two ranges counts.
[[nodiscard]] std::vector<float> resampled(const Pixels& pixels, const ResampledAxis& rows,
                                           const ResampledAxis& columns);

}  // namespace sterna::data
