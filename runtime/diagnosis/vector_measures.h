// Measures of vectors: residues, gradients, and what is left of them.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace sterna::diagnosis {

// Quantiles of |values|, which are not empty: linear between the two magnitudes that a quantile lies between,
// as NumPy's percentile has them by default.
//   percents  in [0, 100], ascending
[[nodiscard]] std::vector<double> magnitude_quantiles(std::span<const float> values,
                                                      std::span<const double> percents);

// The mean of 1 - cos(a, b) over all pairs of vectors, [n] each: 0 where all point one way, 1 where all are
// at right angles. None of a single vector, or where one is zero and has no direction. All pairs of L vectors
// take L passes over memory, and not L^2: the length of the sum of their directions tells.
[[nodiscard]] std::optional<double> mean_cosine_distance(std::span<const std::span<const float>> vectors);

// The mean of vectors, [n] each, added up in double.
[[nodiscard]] std::vector<float> mean_of(std::span<const std::span<const float>> vectors);

// The mean of a_i + b_i, likewise.
[[nodiscard]] std::vector<float> mean_of_sums(std::span<const std::span<const float>> a,
                                              std::span<const std::span<const float>> b);

// ||values - approximation||^2 / ||values||^2; none of a zero vector.
[[nodiscard]] std::optional<double> contraction(std::span<const float> values,
                                                std::span<const float> approximation);

}  // namespace sterna::diagnosis
