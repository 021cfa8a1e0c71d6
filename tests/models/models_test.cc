// What holds for every model of the table.
#include "models/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  explicit Bench(std::string_view name) : Bench(make_model(name, kSamples, small_arguments(name))) {}

  explicit Bench(std::unique_ptr<Model> made) : model(std::move(made)) {
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

TEST_P(EveryModel, MovesItsStatisticsInTrainingAlone) {
  Bench bench(GetParam());
  const AlignedVector<float> initial = bench.statistics;
  (void)bench.model->evaluate(bench.batch, bench.arenas());
  EXPECT_TRUE(bench.statistics == initial);
  (void)bench.step();
  for (const tensor::Parameter& statistic : bench.model->statistics()) {
    const std::span<const float> after(bench.statistics.data() + statistic.offset, statistic.elements);
    EXPECT_FALSE(std::ranges::equal(after, std::span(initial).subspan(statistic.offset, statistic.elements)))
        << statistic.name;
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
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("lenet6"), testing::HasSubstr("bn50-dnn, ")));
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

// Frames are read one after the other: two of 3 features are one sample of 6.
TEST(Bn50Dnn, ReadsFramesOneAfterTheOther) {
  const std::vector<std::string> common = {"hidden=8", "classes=4"};
  const auto loss_of = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), common.begin(), common.end());
    Bench bench(make_model("bn50-dnn", kSamples, arguments));
    const BatchScore score = bench.step();
    return std::pair(score.loss_sum, bench.gradients);
  };
  EXPECT_EQ(loss_of({"frames=2", "features=3"}), loss_of({"features=6"}));
}

// 64*40*1024 + 4*1024*1024 + 1024*10 = 2,621,440 + 4,194,304 + 10,240.
TEST(Bn50Dnn, CountsTheOperationsOfARecording) {
  const std::vector<std::string> arguments = {"frames=64", "features=40", "classes=10"};
  EXPECT_EQ(make_model("bn50-dnn", 1, arguments)->training_flops_per_sample(), 6.0 * 6'825'984.0);
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

TEST(Bert, CountsItsTrainingOperations) {
  // 12 layers of 12 * 768^2 weights at 128 positions and 2 * 128^2 pairs of 768 features; the head's 768 *
  // 768 and 768 * 30522 weights at each position.
  const double layer = 12.0 * 768.0 * 768.0 * 128.0 + 2.0 * 128.0 * 128.0 * 768.0;
  EXPECT_EQ(make_model("bert", 1)->training_flops_per_sample(),
            6.0 * (12.0 * layer + (768.0 + 30522.0) * 768.0 * 128.0));
}

TEST(Bert, TellsClassesOfWholeTexts) {
  const std::vector<std::string> sizes = {"d=8",      "ffn=8",     "heads=2",  "layers=1",
                                          "vocab=11", "classes=3", "dropout=0"};
  const auto model = make_model("bert", 2, sizes);
  EXPECT_EQ(model->sample_shape().classes, 3u);
  EXPECT_EQ(model->sample_shape().labels, 1u);
  EXPECT_EQ(model->parameters()[model->parameters().size() - 1].name, "classifier.bias");
  AlignedVector<float> values(model->parameters().arena_elements(), 0.0f), gradients = values;
  tensor::initialise(model->parameters(), /*seed=*/1, values);
  data::Batch batch = data::make_batch(model->sample_shape(), 2);
  std::ranges::fill(batch.symbols, 1);
  batch.labels = {0, 2};
  const PassArenas arenas{.values = values, .gradients = gradients};
  const BatchScore score = model->forward_backward(batch, {}, arenas, {});
  // Both texts are alike, so that their logits are, and the gradient of the bias is p - (1/2, 0, 1/2).
  const std::span<const float> logits = model->logits(batch, arenas);
  // Products may add up another row in another order: some sums of eight numbers around 1, one after the
  // other.
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(logits[c], logits[3 + c], 100.0f * 0x1p-24f);
  EXPECT_EQ(score.labels, 2u);
  const auto of_bias =
      model->parameters().slice(std::span<const float>(gradients), model->parameters().size() - 1);
  EXPECT_NEAR(of_bias[0] + of_bias[1] + of_bias[2], 0.0f, 4.0f * 0x1p-24f);
  EXPECT_GT(of_bias[1], 0.0f);
}

TEST(Gpt, CountsItsTrainingOperations) {
  // Weights: 4 layers of 12 * 256^2 and the head's 65 * 256 meet 128 positions each; of attention, 128 * 129
  // / 2 pairs of positions meet in two products of 256 features, in each of 4 layers.
  const double weights = (4.0 * 12.0 * 256.0 * 256.0 + 65.0 * 256.0) * 128.0;
  EXPECT_EQ(make_model("gpt", 1)->training_flops_per_sample(), 6.0 * (weights + 4.0 * 2.0 * 8256.0 * 256.0));
}

TEST(Transformer, CountsItsTrainingOperations) {
  // One layer each of d = 4, ffn = 8, 3 source and 2 target positions, 5 symbols. Encoder: 4 * 4^2 + 2 * 4
  // * 8 = 128 weights at 3 positions, 2 * 9 pairs * 4. Decoder: self-attention 64 weights at 2,
  // 2 * 3 pairs * 4; cross-attention 32 weights at 2 and 32 at 3, 2 * 6 pairs * 4; 64 at 2; head 20 at 2.
  const std::vector<std::string> sizes = {"d=4",      "ffn=8",    "heads=1", "layers=1",
                                          "source=3", "target=2", "vocab=5"};
  const double encoder = 128.0 * 3.0 + 72.0;
  const double decoder = 64.0 * 2.0 + 24.0 + 32.0 * 5.0 + 48.0 + 64.0 * 2.0 + 20.0 * 2.0;
  EXPECT_DOUBLE_EQ(make_model("transformer", 1, sizes)->training_flops_per_sample(),
                   6.0 * (encoder + decoder));
}

TEST(Vit, CountsItsTrainingOperations) {
  // 12 layers of 12 * 768^2 weights at 197 positions and 2 * 197^2 pairs of 768 features; 768 * 768 weights
  // of the patches at 196; the head once.
  const double layer = 12.0 * 768.0 * 768.0 * 197.0 + 2.0 * 197.0 * 197.0 * 768.0;
  EXPECT_EQ(make_model("vit", 1)->training_flops_per_sample(),
            6.0 * (12.0 * layer + 768.0 * 768.0 * 196.0 + 768.0 * 1000.0));
}

TEST(Transformers, RefuseHeadsThatDoNotShareTheirFeatures) {
  for (const char* name : {"bert", "gpt", "transformer", "vit"}) {
    EXPECT_THAT([&] { (void)make_model(name, 1, std::vector<std::string>{"heads=7"}); },
                testing::ThrowsMessage<ConfigError>(testing::HasSubstr("heads = 7: must divide d = ")));
  }
  EXPECT_THAT([] { (void)make_model("vit", 1, std::vector<std::string>{"patch=15"}); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("patch = 15: must divide image = 224")));
}

}  // namespace
}  // namespace sterna::models
