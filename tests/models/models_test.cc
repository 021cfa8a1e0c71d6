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
  const BatchScore training = bench.step();
  EXPECT_EQ(bench.model->evaluate(bench.batch, bench.arenas()).loss_sum, training.loss_sum);
  EXPECT_EQ(bench.model->forward(bench.batch, {}, bench.arenas()).loss_sum, training.loss_sum);
}

// -log softmax(logits)[label] of every row with a label, in float64.
double loss_of(std::span<const float> logits, const std::vector<std::int32_t>& labels) {
  const std::size_t classes = logits.size() / labels.size();
  double loss = 0.0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] == data::kNoLabel) continue;
    const auto of_row = logits.subspan(row * classes, classes);
    double sum = 0.0;
    for (float logit : of_row) sum += std::exp(static_cast<double>(logit));
    loss += std::log(sum) - static_cast<double>(of_row[static_cast<std::size_t>(labels[row])]);
  }
  return loss;
}

TEST_P(EveryModel, GivesTheLogitsThatItScores) {
  Bench bench(GetParam());
  const std::vector<std::int32_t> labels = bench.batch.labels;
  const double loss = bench.model->evaluate(bench.batch, bench.arenas()).loss_sum;
  std::ranges::fill(bench.batch.labels, data::kNoLabel);
  const std::span<const float> logits = bench.model->logits(bench.batch, bench.arenas());
  ASSERT_EQ(logits.size(), labels.size() * bench.model->sample_shape().classes);
  // The score's exponentials are float32, each within 2^-22 of itself, and so is their sum.
  EXPECT_NEAR(loss_of(logits, labels), loss,
              static_cast<double>(bench.counting_labels) * std::ldexp(1.0, -21));
}

TEST_P(EveryModel, IgnoresASampleWithoutALabel) {
  Bench bench(GetParam());
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
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("lenet6"), testing::HasSubstr("bn50-dnn, ")));
  }
}

TEST(Lenet, CountsItsTrainingOperations) {
  // Multiplications of one sample's forward pass: conv1 32*25*24*24 = 460,800; conv2 64*32*25*8*8 =
  // 3,276,800; fc1 1024*512 = 524,288; fc2 5,120. Together 4,267,008; times 2 operations and 3 products.
  EXPECT_EQ(make_model("lenet", 1)->training_flops_per_sample(), 6.0 * 4'267'008.0);
}

TEST(Bn50Dnn, CountsItsTrainingOperations) {
  // 440*1024 + 4*1024*1024 + 1024*5999 = 450,560 + 4,194,304 + 6,142,976.
  EXPECT_EQ(make_model("bn50-dnn", 1)->training_flops_per_sample(), 6.0 * 10'787'840.0);
}

TEST(CharLstm, CountsItsTrainingOperations) {
  // 50 positions meet the input weights and the head, 49 the recurrent weights. Two layers: 4*512*512 =
  // 1,048,576, times 2 * (50 + 49) = 207,618,048; head 512*65*50 = 1,664,000.
  EXPECT_EQ(make_model("char-lstm", 1)->training_flops_per_sample(), 6.0 * (207'618'048.0 + 1'664'000.0));
}

TEST(SpeechBilstm, CountsItsTrainingOperations) {
  // With 3 frames of 7 features, 9 units, 8 and 33 outputs: a direction's first layer 36*7*3 + 36*9*2 =
  // 1,404, the other three 36*18*3 + 648 = 2,592 each; bottleneck 18*8*3 = 432, head 8*33*3 = 792.
  const auto model = make_model("speech-bilstm", 1, small_arguments("speech-bilstm"));
  EXPECT_EQ(model->training_flops_per_sample(), 6.0 * (2 * (1404 + 3 * 2592) + 432 + 792));
}

TEST(FsddBilstm, CountsItsTrainingOperations) {
  // With 6 frames of 5 features and 12 units: a direction's first layer 48*5*6 + 48*12*5 = 4,320, the second
  // 48*24*6 + 2,880 = 9,792; the head meets the mean of the frames: 24*10.
  const auto model = make_model("fsdd-bilstm", 1, small_arguments("fsdd-bilstm"));
  EXPECT_EQ(model->training_flops_per_sample(), 6.0 * (2 * (4320 + 9792) + 240));
}

}  // namespace
}  // namespace sterna::models
