#include "runtime/tensor/parameter_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/core/errors.h"

namespace sterna::tensor {
namespace {

ParameterTable make_table() {
  ParameterTable table;
  table.add({.name = "a", .shape = {3, 6}, .kind = ParameterKind::kFullyConnected, .initial_bound = 0.5});
  table.add(
      {.name = "b", .shape = {2}, .kind = ParameterKind::kBias, .initial_bound = 0.25, .initial_value = 1.0});
  return table;
}

TEST(ParameterTable, PutsEveryParameterOnACacheLine) {
  const ParameterTable table = make_table();
  EXPECT_EQ(table[0].offset, 0u);
  EXPECT_EQ(table[1].offset, 32u);  // 18 elements, rounded up to a multiple of 16
  EXPECT_EQ(table.arena_elements(), 48u);
  EXPECT_EQ(table.elements(), 20u);
}

TEST(ParameterTable, RefusesANameTwice) {
  ParameterTable table = make_table();
  EXPECT_THROW(table.add({.name = "a", .shape = {1}, .kind = ParameterKind::kBias, .initial_bound = 1.0}),
               InternalError);
}

// As many as the library takes.
TEST(ParameterTable, RefusesANameTwiceAmongManyParameters) {
  ParameterTable table;
  for (int i = 0; i < 65535; ++i) {
    table.add({.name = cat("p", i), .shape = {1}, .kind = ParameterKind::kBias});
  }
  EXPECT_EQ(table.size(), 65535u);
  EXPECT_EQ(table[65534].name, "p65534");
  for (const char* taken : {"p0", "p40000", "p65534"}) {
    EXPECT_THROW(table.add({.name = taken, .shape = {1}, .kind = ParameterKind::kBias}), InternalError);
  }
}

TEST(ParameterTable, InitialValuesLieWithinTheirBoundsAndPaddingStaysZero) {
  const ParameterTable table = make_table();
  std::vector<float> values(table.arena_elements(), 0.0f);
  initialise(table, /*seed=*/1, values);
  for (std::size_t i = 0; i < 18; ++i) EXPECT_LE(std::abs(values[i]), 0.5f);
  for (std::size_t i = 32; i < 34; ++i) EXPECT_LE(std::abs(values[i] - 1.0f), 0.25f);
  for (std::size_t i : {18u, 31u, 34u, 47u}) EXPECT_EQ(values[i], 0.0f);
  EXPECT_NE(values[0], values[1]);
}

TEST(ParameterTable, InitialValuesMayBeNormalOrConstant) {
  ParameterTable table;
  table.add({.name = "n", .shape = {10000}, .kind = ParameterKind::kEmbedding, .initial_deviation = 0.5});
  table.add({.name = "one", .shape = {5}, .kind = ParameterKind::kNormalisation, .initial_value = 1.0});
  std::vector<float> values(table.arena_elements(), 0.0f);
  initialise(table, /*seed=*/1, values);
  double sum = 0.0, squares = 0.0;
  for (float value : table.slice(std::span<const float>(values), 0)) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  // Mean of 10,000: deviation 0.005; mean square: 0.25 with deviation 0.25 * sqrt(2 / 10,000). Five of each.
  EXPECT_NEAR(sum / 10000.0, 0.0, 0.025);
  EXPECT_NEAR(squares / 10000.0, 0.25, 0.018);
  for (float value : table.slice(std::span<const float>(values), 1)) EXPECT_EQ(value, 1.0f);
}

TEST(ParameterTable, InitialValuesDependOnTheSeedAlone) {
  const ParameterTable table = make_table();
  std::vector<float> first(table.arena_elements()), again(first), other(first);
  initialise(table, /*seed=*/1, first);
  initialise(table, /*seed=*/1, again);
  initialise(table, /*seed=*/2, other);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
}

}  // namespace
}  // namespace sterna::tensor
