// Every model of the registry on a GPU (a stand-in for it) against the processor: one step of a few samples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/model.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/rng.h"
#include "runtime/tensor/cuda/cuda_operations.h"
#include "tests/models/small_models.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::models {
namespace {

constexpr std::size_t kSamples = 4;

struct Arenas {
  explicit Arenas(const Model& model)
      : values(model.parameters().arena_elements()),
        gradients(values.size()),
        statistics(model.statistics().arena_elements()) {
    tensor::initialise(model.parameters(), /*seed=*/3, values);
    tensor::initialise(model.statistics(), /*seed=*/3, statistics);
    // What a pass does not overwrite shows; padding stays 0.
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
      std::ranges::fill(model.parameters().slice(std::span(gradients), i), std::nanf(""));
    }
  }

  AlignedVector<float> values, gradients, statistics;
};

// The same in memory of the operations.
class There {
 public:
  There(tensor::Operations& operations, const Arenas& host)
      : operations_(operations),
        values_(place(host.values)),
        gradients_(place(host.gradients)),
        statistics_(place(host.statistics)) {}

  PassArenas arenas() const {
    return {.values = values_, .gradients = gradients_, .statistics = statistics_};
  }
  void fetch(Arenas& host) const {
    operations_.copy_to_host<float>(gradients_, host.gradients);
    operations_.copy_to_host<float>(statistics_, host.statistics);
  }

 private:
  std::span<float> place(std::span<const float> host) {
    const tensor::Memory& memory = memory_.emplace_back(operations_.reserve(host.size_bytes()));
    const std::span<float> there(reinterpret_cast<float*>(memory.get()), host.size());
    operations_.copy_from_host(host, there);
    return there;
  }

  tensor::Operations& operations_;
  std::vector<tensor::Memory> memory_;
  std::span<float> values_, gradients_, statistics_;
};

data::Batch made_up_batch(const data::SampleShape& shape) {
  data::Batch batch = data::make_batch(shape, kSamples);
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) batch.inputs[i] = random_normal({.seed = 5}, i);
  for (std::size_t i = 0; i < batch.symbols.size(); ++i) {
    batch.symbols[i] =
        static_cast<std::int32_t>(random_below({.seed = 6}, i, static_cast<std::uint32_t>(shape.symbols)));
  }
  for (std::size_t i = 0; i < batch.labels.size(); ++i) {
    batch.labels[i] =
        static_cast<std::int32_t>(random_below({.seed = 7}, i, static_cast<std::uint32_t>(shape.classes)));
  }
  return batch;
}

struct Seen {
  BatchScore training;
  BatchScore evaluation;
  std::vector<float> logits;
  std::vector<std::size_t> ready;
  Arenas arenas;
};

// A change of each parameter, of this share of it, up or down.
void shake(std::span<float> values, float share) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] *= 1.0f + (random_below({.seed = 8}, i, 2) == 0 ? share : -share);
  }
}

Seen run_step(std::string_view name, tensor::Operations& operations, float shaken_by = 0.0f) {
  const auto model = make_model(name, kSamples, small_arguments(name), operations);
  Arenas arenas(*model);
  shake(arenas.values, shaken_by);
  const There there(operations, arenas);
  const data::Batch batch = made_up_batch(model->sample_shape());
  std::vector<std::size_t> ready;
  const BatchScore training =
      model->forward_backward(batch, {.seed = 1, .learner = 2, .step = 3}, there.arenas(),
                              [&](std::size_t parameter) { ready.push_back(parameter); });
  const BatchScore evaluation = model->evaluate(batch, there.arenas());
  const std::span<const float> logits = model->logits(batch, there.arenas());
  there.fetch(arenas);
  return {training, evaluation, {logits.begin(), logits.end()}, std::move(ready), std::move(arenas)};
}

double norm(std::span<const float> values) {
  double sum = 0.0;
  for (float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

double difference(std::span<const float> found, std::span<const float> expected) {
  std::vector<float> differences(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) differences[i] = found[i] - expected[i];
  return norm(differences);
}

// Products and sums of both sides round each by at most n 2^-24, n being below 2^14 here, and some ten layers
// hand that on.
constexpr double kTolerance = 2e-3;
// Batch normalisation of four values a channel divides by deviations near 0, and fifty layers of it enlarge
// every rounding: so much more is tolerated as a gradient moves on the processor where each weight moves by
// kShare, sixteen roundings; several times that, for activations are rounded too.
constexpr float kShare = 0x1p-20f;
constexpr double kTimes = 8.0;
// Of all gradients together: what one that is 0 but for rounding, as that of a bias ahead of a normalisation,
// may be off by.
constexpr double kTolerableShare = 1e-4;

class EveryModelOnADevice : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryModelOnADevice, StepsAsTheProcessorDoes) {
  const auto operations = tensor::cuda::make_cuda_operations(/*device=*/0);
  const Seen found = run_step(GetParam(), *operations);
  const Seen expected = run_step(GetParam(), tensor::cpu_operations());
  const Seen shaken = run_step(GetParam(), tensor::cpu_operations(), kShare);
  EXPECT_NEAR(found.training.loss_sum, expected.training.loss_sum, 1e-4 * expected.training.loss_sum);
  EXPECT_NEAR(found.evaluation.loss_sum, expected.evaluation.loss_sum, 1e-3 * expected.evaluation.loss_sum);
  EXPECT_EQ(found.training.labels, expected.training.labels);
  EXPECT_LT(difference(found.logits, expected.logits), kTolerance * norm(expected.logits));
  EXPECT_EQ(found.ready, expected.ready);
  EXPECT_LE(difference(found.arenas.statistics, expected.arenas.statistics),
            kTolerance * norm(expected.arenas.statistics));
  const auto model = make_model(GetParam(), kSamples, small_arguments(GetParam()));
  const tensor::ParameterTable& table = model->parameters();
  const double whole = norm(expected.arenas.gradients);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto of_device = table.slice(std::span<const float>(found.arenas.gradients), i);
    const auto of_processor = table.slice(std::span<const float>(expected.arenas.gradients), i);
    const double moved =
        difference(table.slice(std::span<const float>(shaken.arenas.gradients), i), of_processor);
    EXPECT_LT(difference(of_device, of_processor),
              kTolerance * norm(of_processor) + kTimes * moved + kTolerableShare * whole)
        << table[i].name << ", of " << norm(of_processor) << ", which moves by " << moved;
  }
  EXPECT_THAT(cuda_stand_in::take_mistakes(), testing::IsEmpty());
}

std::vector<std::string_view> model_names() {
  std::vector<std::string_view> names;
  for (const ModelEntry& entry : model_table()) names.push_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryModelOnADevice, testing::ValuesIn(model_names()),
                         [](const auto& test) {
                           std::string name(test.param);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sterna::models
