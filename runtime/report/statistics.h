// Numbers of a run or of several, made ready to be read. NaN stands for what a log does not have.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sterna::report {

// Of what is there after the first tenth of the values, which a run needs to settle. NaN if nothing is.
[[nodiscard]] double settled_median(const std::vector<double>& values);

// Each value's mean with those before it, `window` together, or as many as there are; NaN where one is NaN.
[[nodiscard]] std::vector<double> trailing_mean(const std::vector<double>& values, std::size_t window);

// Each value by that at the same place; of equal lengths.
[[nodiscard]] std::vector<double> divided(std::vector<double> values, const std::vector<double>& by);

// Curves over the same x, some maybe shorter: at each place mean, smallest and largest of those that are
// there.
struct Band {
  std::vector<double> mean;
  std::vector<double> low;
  std::vector<double> high;
};
[[nodiscard]] Band band_of(const std::vector<std::vector<double>>& curves);

// Places of at most `most` (2 or more) of `count` values, evenly spread, the first and the last among them.
[[nodiscard]] std::vector<std::size_t> thinned(std::size_t count, std::size_t most);

// One of several results, each at a cost.
struct Result {
  double cost;
  double value;
};

// Places of those that no other beats: none has as low a cost and as good a value, one of them better. By
// ascending cost. Results with NaN are on no front.
[[nodiscard]] std::vector<std::size_t> pareto_front(const std::vector<Result>& results,
                                                    bool is_higher_better);

// Decimal places that an interval of this half-width justifies: the last one is worth at most half of it.
// 4 significant digits of `value` where there is no interval.
[[nodiscard]] int justified_decimals(double value, std::optional<double> half_width);

// "31,116": rounded to a whole number, with a comma between thousands. "not known" for NaN.
[[nodiscard]] std::string grouped_text(double value);

// With so many significant digits; "not known" for NaN and infinity.
[[nodiscard]] std::string digits_text(double value, int digits);

}  // namespace sterna::report
