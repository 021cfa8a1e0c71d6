// What holds for every model of the table.
#include "models/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "tests/models/large_allocations.h"
#include "tests/models/small_models.h"

namespace sterna::models {
namespace {

constexpr std::size_t kSamples = 3;
constexpr float kUntouched = -77.0f;

// A small variant of a model with values, and a batch whose last sample has no label.
struct Bench {
  explicit Bench(std::string_view name) : model(make_model(name, kSamples, small_arguments(name))) {
    values.assign(model->parameters().arena_elements(), 0.0f);
    gradients.assign(values.size(), kUntouched);
    tensor::initialise(model->parameters(), /*seed=*/5, values);
    statistics.assign(model->statistics().arena_elements(), 0.0f);
    tensor::initialise(model->statistics(), /*seed=*/5, statistics);
    const data::SampleShape& sample = model->sample_shape();
    batch = data::make_batch(sample, kSamples);
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) batch.inputs[i] = random_normal({.seed = 6}, i);
    for (std::size_t i = 0; i < batch.symbols.size(); ++i) {
      batch.symbols[i] =
          static_cast<std::int32_t>(random_below({.seed = 6}, i, static_cast<std::uint32_t>(sample.symbols)));
    }
    counting_labels = (kSamples - 1) * sample.labels;
    for (std::size_t i = 0; i < counting_labels; ++i) {
      batch.labels[i] = static_cast<std::int32_t>(i % 2 == 0 ? 1 : sample.classes - 1);
    }
  }

  BatchScore step(const GradientReady& ready = {}) {
    return model->forward_backward(batch, /*key=*/{}, arenas(), ready);
  }

  PassArenas arenas() { return {.values = values, .gradients = gradients, .statistics = statistics}; }

  std::size_t counting_labels = 0;
  std::unique_ptr<Model> model;
  AlignedVector<float> values;
  AlignedVector<float> gradients;
  AlignedVector<float> statistics;
  data::Batch batch;
};

class EveryModel : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryModel, HasAsManyParametersAsItsTableSays) {
  EXPECT_EQ(make_model(GetParam(), 1)->parameters().elements(), find_model(GetParam()).parameters);
}

TEST_P(EveryModel, StartsNearTheLossOfAGuess) {
  Bench bench(GetParam());
  const BatchScore score = bench.step();
  EXPECT_EQ(score.labels, bench.counting_labels);
  // Initial logits lie well within +-1, so each label's loss is within 2 of log(classes).
  const double guess = std::log(static_cast<double>(bench.model->sample_shape().classes));
  EXPECT_NEAR(score.loss_sum / static_cast<double>(score.labels), guess, 2.0);
}

TEST_P(EveryModel, GivesTheSameBitsAgain) {
  Bench bench(GetParam());
  const BatchScore first = bench.step();
  const AlignedVector<float> gradients = bench.gradients;
  const BatchScore again = bench.step();
  EXPECT_EQ(again.loss_sum, first.loss_sum);
  EXPECT_TRUE(bench.gradients == gradients);
  Bench other(GetParam());
  EXPECT_EQ(other.step().loss_sum, first.loss_sum);
  EXPECT_TRUE(other.gradients == gradients);
}

TEST_P(EveryModel, LeavesThePaddingOfTheGradientsAlone) {
  Bench bench(GetParam());
  (void)bench.step();
  std::size_t end = 0;
  for (const tensor::Parameter& parameter : bench.model->parameters()) {
    for (std::size_t i = end; i < parameter.offset; ++i) ASSERT_EQ(bench.gradients[i], kUntouched) << i;
    end = parameter.offset + parameter.elements;
  }
  for (std::size_t i = end; i < bench.gradients.size(); ++i) ASSERT_EQ(bench.gradients[i], kUntouched) << i;
}

TEST_P(EveryModel, TellsOfEachGradientOnceWhenItIsFinalTheLastFirst) {
  Bench bench(GetParam());
  std::vector<std::size_t> order;
  std::vector<std::vector<float>> when_told;
  (void)bench.step([&](std::size_t parameter) {
    order.push_back(parameter);
    const auto slice = bench.model->parameters().slice(std::span<const float>(bench.gradients), parameter);
    when_told.emplace_back(slice.begin(), slice.end());
  });
  ASSERT_EQ(order.size(), bench.model->parameters().size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(order[i], order.size() - 1 - i);
    const auto slice = bench.model->parameters().slice(std::span<const float>(bench.gradients), order[i]);
    EXPECT_TRUE(std::ranges::equal(slice, when_told[i])) << bench.model->parameters()[order[i]].name;
  }
}

TEST_P(EveryModel, ScoresAlikeInTrainingAndEvaluation) {
  // True of models without dropout and batch normalisation.
  Bench bench(GetParam());
  if (bench.model->statistics().size() > 0) return;
  const BatchScore training = bench.step();
  EXPECT_EQ(bench.model->evaluate(bench.batch, bench.arenas()).loss_sum, training.loss_sum);
  EXPECT_EQ(bench.model->forward(bench.batch, {}, bench.arenas()).loss_sum, training.loss_sum);
}

TEST_P(EveryModel, MovesItsStatisticsInTrainingAlone) {
  Bench bench(GetParam());
  const AlignedVector<float> initial = bench.statistics;
  (void)bench.model->evaluate(bench.batch, bench.arenas());
  EXPECT_TRUE(bench.statistics == initial);
  (void)bench.step();
  for (const tensor::Parameter& statistic : bench.model->statistics()) {
    EXPECT_NE(bench.statistics[statistic.offset], initial[statistic.offset]) << statistic.name;
  }
}

TEST_P(EveryModel, EvaluatesEachSampleByItself) {
  Bench bench(GetParam());
  const BatchScore score = bench.model->evaluate(bench.batch, bench.arenas());
  const std::size_t inputs = bench.batch.inputs.size() / kSamples;
  std::fill_n(bench.batch.inputs.end() - static_cast<std::ptrdiff_t>(inputs), inputs, 9.0f);
  EXPECT_EQ(bench.model->evaluate(bench.batch, bench.arenas()).loss_sum, score.loss_sum);
}

TEST_P(EveryModel, IgnoresASampleWithoutALabel) {
  // True of models without batch normalisation, where every sample has a part in the moments.
  Bench bench(GetParam());
  if (bench.model->statistics().size() > 0) return;
  const BatchScore score = bench.step();
  const AlignedVector<float> gradients = bench.gradients;
  const std::size_t inputs = bench.batch.inputs.size() / kSamples;
  std::fill_n(bench.batch.inputs.end() - static_cast<std::ptrdiff_t>(inputs), inputs, 9.0f);
  EXPECT_EQ(bench.step().loss_sum, score.loss_sum);
  EXPECT_TRUE(bench.gradients == gradients);
}

TEST_P(EveryModel, HasANanLossWhereTheLastLayerHasANan) {
  Bench bench(GetParam());
  const std::size_t last = bench.model->parameters().size() - 1;
  bench.model->parameters().slice(std::span<float>(bench.values), last)[0] =
      std::numeric_limits<float>::quiet_NaN();
  const BatchScore score = bench.step();
  EXPECT_TRUE(std::isnan(score.loss_sum));
  EXPECT_EQ(score.correct, 0u);
}

TEST_P(EveryModel, AllocatesNoBufferAfterItsFirstStep) {
  Bench bench(GetParam());
  (void)bench.step();
  const int before = large_allocations_so_far();
  (void)bench.step();
  EXPECT_EQ(large_allocations_so_far(), before);
}

TEST_P(EveryModel, RefusesABatchOfAnotherLength) {
  Bench bench(GetParam());
  bench.batch.samples = kSamples - 1;
  EXPECT_THROW((void)bench.step(), InternalError);
}

std::vector<std::string_view> model_names() {
  std::vector<std::string_view> names;
  for (const ModelEntry& entry : model_table()) names.push_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryModel, testing::ValuesIn(model_names()), [](const auto& test) {
  std::string name(test.param);
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(ModelTable, NamesWhatItHasWhereANameIsUnknown) {
  try {
    (void)find_model("lenet6");
    FAIL() << "lenet6 was found";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("lenet6"), testing::HasSubstr("cifar-cnn, lenet")));
  }
}

TEST(Lenet, CountsItsTrainingOperations) {
  // Multiplications of one sample's forward pass: conv1 32*25*24*24 = 460,800; conv2 64*32*25*8*8 =
  // 3,276,800; fc1 1024*512 = 524,288; fc2 5,120. Together 4,267,008; times 2 operations and 3 products.
  EXPECT_EQ(make_model("lenet", 1)->training_flops_per_sample(), 6.0 * 4'267'008.0);
}

TEST(CifarCnn, CountsItsTrainingOperations) {
  // conv1 3*32*25*1024 = 2,457,600; conv2 32*32*25*256 = 6,553,600; conv3 32*64*25*64 = 3,276,800; fc 10,240.
  EXPECT_EQ(make_model("cifar-cnn", 1)->training_flops_per_sample(), 6.0 * 12'298'240.0);
}

TEST(Resnet20, CountsItsTrainingOperations) {
  // Stem 3*16*9*1024 = 442,368. Six 16 to 16 convolutions: 6*16*16*9*1024 = 14,155,776. Second and third
  // stage alike: 16*32*9*256 = 1,179,648 in front, five of 32*32*9*256 = 2,359,296, the shortcut 16*32*256 =
  // 131,072; together 13,107,200 each. fc 640.
  EXPECT_EQ(make_model("resnet20", 1)->training_flops_per_sample(), 6.0 * 40'813'184.0);
}

TEST(Resnet20, RefusesADepthThatIsNotSixNPlusTwo) {
  const std::vector<std::string> arguments = {"depth=18"};
  EXPECT_THAT([&] { (void)make_model("resnet20", 1, arguments); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("must be 6 n + 2")));
}

TEST(Bn50Dnn, CountsItsTrainingOperations) {
  // 440*1024 + 4*1024*1024 + 1024*5999 = 450,560 + 4,194,304 + 6,142,976.
  EXPECT_EQ(make_model("bn50-dnn", 1)->training_flops_per_sample(), 6.0 * 10'787'840.0);
}

}  // namespace
}  // namespace sterna::models
