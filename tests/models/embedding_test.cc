#include "models/layers/embedding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

using testing::ElementsAre;

struct Probe {
  explicit Probe(const EmbeddingOptions& options)
      : layer(
            {.parameters = parameters, .statistics = statistics, .arena = arena, .input = {.shape = {2, 3}}},
            "embed", options) {
    batch.symbols = {0, 2, 2, 1, 0, 2};
    values.assign(parameters.arena_elements(), 0.0f);
    gradients.assign(parameters.arena_elements(), -77.0f);
    for (std::size_t i = 0; i < parameters.elements(); ++i) values[i] = static_cast<float>(i);
  }

  Pass pass() {
    return {.parameters = parameters,
            .statistics = statistics,
            .arenas = {.values = values, .gradients = gradients},
            .symbols = batch.symbols,
            .key = {}};
  }

  tensor::ParameterTable parameters, statistics;
  tensor::Arena arena;
  Embedding layer;
  data::Batch batch;
  std::vector<float> values, gradients;
};

TEST(Embedding, ShowsTheRowOfEachSymbol) {
  Probe probe({.symbols = 3, .features = 2});
  const auto output = probe.layer.forward({}, probe.pass());
  EXPECT_THAT(output.form->shape, ElementsAre(2, 3, 2));
  // Rows of the table: (0, 1), (2, 3), (4, 5).
  EXPECT_THAT(output.storage(), ElementsAre(0, 1, 4, 5, 4, 5, 2, 3, 0, 1, 4, 5));
}

TEST(Embedding, AddsUpTheGradientsOfEachSymbol) {
  Probe probe({.symbols = 4, .features = 2});
  (void)probe.layer.forward({}, probe.pass());
  const tensor::Tensor gradient = probe.arena.borrow(probe.layer.output_form());
  for (std::size_t i = 0; i < 12; ++i) gradient.data[i] = static_cast<float>(i);
  EXPECT_EQ(probe.layer.backward(gradient, probe.pass()).data, nullptr);
  // Symbol 0: rows 0 and 4, (0 + 8, 1 + 9); 1: row 3; 2: rows 1, 2, 5, (2 + 4 + 10, 3 + 5 + 11); 3: none.
  EXPECT_THAT(std::span(probe.gradients).first(8), ElementsAre(8, 10, 6, 7, 16, 19, 0, 0));
}

TEST(Embedding, LooksUpTheChosenPositionsAlone) {
  Probe probe({.symbols = 3, .features = 1, .first = 1, .count = 1});
  EXPECT_THAT(probe.layer.forward({}, probe.pass()).storage(), ElementsAre(2, 0));
  Probe rest({.symbols = 3, .features = 1, .first = 1});
  EXPECT_THAT(rest.layer.forward({}, rest.pass()).storage(), ElementsAre(2, 2, 0, 2));
}

TEST(Embedding, RefusesASymbolThatItDoesNotHave) {
  for (std::int32_t symbol : {-1, 3}) {
    Probe probe({.symbols = 3, .features = 1});
    probe.batch.symbols[4] = symbol;
    EXPECT_THROW((void)probe.layer.forward({}, probe.pass()), InternalError);
  }
}

TEST(Embedding, StartsWithNormalValues) {
  Probe probe({.symbols = 3, .features = 2});
  EXPECT_EQ(probe.parameters[0].name, "embed.weight");
  EXPECT_THAT(probe.parameters[0].shape, ElementsAre(3, 2));
  EXPECT_EQ(probe.parameters[0].initial_deviation, 1.0);
}

}  // namespace
}  // namespace sterna::models
