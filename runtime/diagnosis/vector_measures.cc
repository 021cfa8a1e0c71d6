#include "runtime/diagnosis/vector_measures.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::diagnosis {
namespace {

double squared_norm(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

void add_scaled(std::span<const float> values, double factor, std::span<double> sum) {
  for (std::size_t i = 0; i < values.size(); ++i) sum[i] += factor * static_cast<double>(values[i]);
}

std::vector<float> divided(std::span<const double> sum, std::size_t count) {
  const auto divisor = static_cast<double>(count);
  std::vector<float> result(sum.size());
  std::ranges::transform(sum, result.begin(),
                         [divisor](double value) { return static_cast<float>(value / divisor); });
  return result;
}

}  // namespace

std::vector<double> magnitude_quantiles(std::span<const float> values, std::span<const double> percents) {
  STERNA_CHECK(values.size() > 0u);
  std::vector<float> magnitudes(values.size());
  std::ranges::transform(values, magnitudes.begin(), [](float value) { return std::fabs(value); });
  std::vector<double> quantiles;
  auto sorted_to = magnitudes.begin();  // what is before it is not larger than what is behind
  for (const double percent : percents) {
    const double place = percent / 100.0 * static_cast<double>(magnitudes.size() - 1);
    const double below = std::floor(place);
    const auto at = magnitudes.begin() + static_cast<std::ptrdiff_t>(below);
    std::ranges::nth_element(sorted_to, at, magnitudes.end());
    const auto next = std::min_element(at + 1, magnitudes.end());
    const auto low = static_cast<double>(*at);
    const double high = next == magnitudes.end() ? low : static_cast<double>(*next);
    quantiles.push_back(low + (place - below) * (high - low));
    sorted_to = at;
  }
  return quantiles;
}

std::optional<double> mean_cosine_distance(std::span<const std::span<const float>> vectors) {
  if (vectors.size() < 2) return std::nullopt;
  std::vector<double> sum_of_directions(vectors.front().size(), 0.0);
  for (const std::span<const float> vector : vectors) {
    const double norm = std::sqrt(squared_norm(vector));
    if (norm == 0.0) return std::nullopt;
    add_scaled(vector, 1.0 / norm, sum_of_directions);
  }
  // ||sum u_i||^2 = L + the sum of cos over ordered pairs i != j.
  double squared = 0.0;
  for (const double value : sum_of_directions) squared += value * value;
  const auto learners = static_cast<double>(vectors.size());
  return 1.0 - (squared - learners) / (learners * (learners - 1.0));
}

std::vector<float> mean_of(std::span<const std::span<const float>> vectors) {
  std::vector<double> sum(vectors.front().size(), 0.0);
  for (const std::span<const float> vector : vectors) add_scaled(vector, 1.0, sum);
  return divided(sum, vectors.size());
}

std::vector<float> mean_of_sums(std::span<const std::span<const float>> a,
                                std::span<const std::span<const float>> b) {
  std::vector<double> sum(a.front().size(), 0.0);
  for (const auto& vectors : {a, b}) {
    for (const std::span<const float> vector : vectors) add_scaled(vector, 1.0, sum);
  }
  return divided(sum, a.size());
}

std::optional<double> contraction(std::span<const float> values, std::span<const float> approximation) {
  const double whole = squared_norm(values);
  if (whole == 0.0) return std::nullopt;
  double left = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(values[i]) - static_cast<double>(approximation[i]);
    left += difference * difference;
  }
  return left / whole;
}

}  // namespace sterna::diagnosis
