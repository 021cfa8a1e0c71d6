#include "runtime/data/resample.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::data {
namespace {

// The pixels of one output, from `begin` on, and what each counts.
struct Taps {
  std::size_t begin;
  std::vector<float> weights;
};

std::vector<Taps> taps_of(const ResampledAxis& axis) {
  STERNA_CHECK((axis.first + axis.kept) <= axis.outputs);
  const auto extent = static_cast<double>(axis.pixels);
  const double scale = extent / static_cast<double>(axis.outputs);
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (std::size_t i = axis.first; i < axis.first + axis.kept; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto begin = static_cast<std::size_t>(std::max(centre - reach + 0.5, 0.0));
    const auto end = static_cast<std::size_t>(std::min(centre + reach + 0.5, extent));
    std::vector<double> weights;
    double sum = 0.0;
    for (std::size_t x = begin; x < end; ++x) {
      const double distance = std::abs(static_cast<double>(x) + 0.5 - centre) / reach;
      weights.push_back(std::max(1.0 - distance, 0.0));
      sum += weights.back();
    }
    Taps taps{.begin = axis.begin + begin, .weights = {}};
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
    all.push_back(std::move(taps));
  }
  return all;
}

}  // namespace

// Columns first, for the rows that count: [3, rows.pixels, columns.kept].
std::vector<float> resampled(const Pixels& pixels, const ResampledAxis& rows, const ResampledAxis& columns) {
  STERNA_CHECK((rows.begin + rows.pixels) <= pixels.height);
  STERNA_CHECK((columns.begin + columns.pixels) <= pixels.width);
  const std::vector<Taps> across = taps_of(columns), down = taps_of(rows);
  std::vector<float> narrowed(3 * rows.pixels * columns.kept);
  for (std::size_t y = 0; y < rows.pixels; ++y) {
    const std::uint8_t* const row = pixels.rgb.data() + (rows.begin + y) * pixels.width * 3;
    for (std::size_t x = 0; x < columns.kept; ++x) {
      float sums[3] = {};
      const std::uint8_t* from = row + across[x].begin * 3;
      for (const float weight : across[x].weights) {
        for (std::size_t c = 0; c < 3; ++c) sums[c] += weight * static_cast<float>(*from++);
      }
      for (std::size_t c = 0; c < 3; ++c) narrowed[(c * rows.pixels + y) * columns.kept + x] = sums[c];
    }
  }
  std::vector<float> result(3 * rows.kept * columns.kept, 0.0f);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < rows.kept; ++y) {
      float* const to = result.data() + (c * rows.kept + y) * columns.kept;
      const float* from = narrowed.data() + (c * rows.pixels + down[y].begin - rows.begin) * columns.kept;
      for (const float weight : down[y].weights) {
        for (std::size_t x = 0; x < columns.kept; ++x) to[x] += weight * from[x];
        from += columns.kept;
      }
    }
  }
  return result;
}

}  // namespace sterna::data
