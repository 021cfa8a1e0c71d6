#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numbers>
#include <string>
#include <vector>

#include "compressors/compressor.h"
#include "models/model.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/run.h"

namespace sterna {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

TrainConfig four_learners(const std::string& model, const std::string& compressor) {
  TrainConfig config;
  config.model = model;
  config.compressor = compressor;
  config.data = "synthetic";
  config.learners = 4;
  config.batch = 2;
  config.steps = 50;
  config.eval_every = 50;
  config.rate = 40;
  config.progress = "off";
  return config;
}

std::string hash_alone(const TrainConfig& config) {
  return train(config, *collectives::make_single()).parameter_hash;
}

std::string hash_on_threads(const TrainConfig& config, int ranks) {
  std::string hash;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    const std::string mine = train(config, comm).parameter_hash;
    if (comm.rank() == 0) hash = mine;
  });
  return hash;
}

class WorldSize : public testing::TestWithParam<std::string> {};

TEST_P(WorldSize, ChangesNoBitOfLenetOnThreads) {
  const TrainConfig config = four_learners("lenet", GetParam());
  const std::string alone = hash_alone(config);
  EXPECT_EQ(hash_on_threads(config, 2), alone);
  EXPECT_EQ(hash_on_threads(config, 4), alone);
}

TEST_P(WorldSize, ChangesNoBitOfBn50DnnOnThreads) {
  TrainConfig config = four_learners("bn50-dnn", GetParam());
  config.steps = config.eval_every = 10;  // the program's own test takes all 50
  EXPECT_EQ(hash_on_threads(config, 2), hash_alone(config));
}

TEST_P(WorldSize, ChangesNoBitOfCharLstmOnThreads) {
  TrainConfig config = four_learners("char-lstm", GetParam());
  config.model_arg = {"positions=8", "hidden=24", "symbols=16"};
  config.steps = config.eval_every = 20;
  EXPECT_EQ(hash_on_threads(config, 2), hash_alone(config));
}

// Each learner normalises by the moments of its own batch, wherever it runs.
TEST(WorldSizeOfBatchNormalisation, ChangesNoBitOnThreads) {
  TrainConfig config = four_learners("resnet20", "adacomp");
  config.model_arg = {"depth=8", "width=8"};
  config.steps = config.eval_every = 3;
  const std::string alone = hash_alone(config);
  EXPECT_EQ(hash_on_threads(config, 2), alone);
  EXPECT_EQ(hash_on_threads(config, 4), alone);
}

INSTANTIATE_TEST_SUITE_P(Registered, WorldSize, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& entry : compressors::compressor_table())
                             names.emplace_back(entry.name);
                           return names;
                         }()),
                         [](const auto& test) { return test.param; });

TEST(Replicas, ThatAreEqualPass) {
  collectives::run_on_threads(
      3, [](collectives::Communicator& comm) { EXPECT_NO_THROW(require_equal_replicas(comm, "00ff", 7)); });
}

TEST(Replicas, NameTheOddRank) {
  collectives::run_on_threads(3, [](collectives::Communicator& comm) {
    const std::string hash = comm.rank() == 2 ? "dead" : "00ff";
    EXPECT_THAT([&] { require_equal_replicas(comm, hash, 7); },
                ThrowsMessage<CommError>(
                    AllOf(HasSubstr("after step 7"), HasSubstr("most have 00ff, but rank 2 has dead"))));
  });
}

TEST(Replicas, AccuseNobodyWhereThereIsNoMajority) {
  collectives::run_on_threads(2, [](collectives::Communicator& comm) {
    const std::string hash = comm.rank() == 0 ? "00ff" : "dead";
    EXPECT_THAT([&] { require_equal_replicas(comm, hash, 7); },
                ThrowsMessage<CommError>(
                    AllOf(HasSubstr("rank 0 has 00ff, rank 1 has dead"), Not(HasSubstr("most have")))));
  });
}

TEST(ParameterHash, SeesEveryElementAndNoPadding) {
  tensor::ParameterTable table;
  for (const char* name : {"a", "b"}) {
    table.add({.name = name, .shape = {17}, .kind = tensor::ParameterKind::kBias, .initial_bound = 0.0});
  }
  AlignedVector<float> values(table.arena_elements(), 0.0f);
  const std::string before = parameter_hash(table, values);
  EXPECT_EQ(before.size(), 16u);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_padding = (i >= 17 && i < table[1].offset) || i >= table[1].offset + 17;
    values[i] = 1.0f;
    EXPECT_EQ(parameter_hash(table, values) == before, is_padding) << "element " << i;
    values[i] = 0.0f;
  }
}

// The test data are 1024 samples, whatever the number of learners and the batch.
TEST(Evaluation, CountsEverySampleOnce) {
  for (std::size_t batch : {2u, 100u, 1000u}) {
    TrainConfig config = four_learners("lenet", "none");
    config.batch = batch;
    config.steps = 1;
    const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
    sterna::Run run = make_run(config, *comm);
    const models::BatchScore score = evaluate(run, 1);
    EXPECT_EQ(score.labels, 1024u) << "batch " << batch;
    EXPECT_GE(score.correct_top5, score.correct);
    EXPECT_LE(score.correct_top5, 1024u);
  }
}

TEST(TestMeasures, OfALanguageModelHavePerplexityAndBits) {
  // 16 labels of 2 bits each, 2 ln 2 nats.
  const models::BatchScore test{
      .loss_sum = 32.0 * std::numbers::ln2, .correct = 4, .labels = 16, .correct_top5 = 12};
  record::EpochRecord row;
  set_test_measures(test, {.input = {8}, .classes = 65, .labels = 8, .symbols = 65}, row);
  EXPECT_DOUBLE_EQ(row.test_loss, 2.0 * std::numbers::ln2);
  EXPECT_DOUBLE_EQ(row.test_bits_per_symbol.value(), 2.0);
  EXPECT_DOUBLE_EQ(row.perplexity.value(), 4.0);
  EXPECT_EQ(row.test_accuracy, 0.25);
  EXPECT_EQ(row.test_token_accuracy, 0.25);
  EXPECT_EQ(row.test_top5_accuracy, 0.75);
}

TEST(TestMeasures, OfAClassifierHaveTopFiveFromTenClassesOn) {
  const models::BatchScore test{.loss_sum = 8.0, .correct = 1, .labels = 4, .correct_top5 = 3};
  record::EpochRecord row;
  set_test_measures(test, {.input = {3}, .classes = 9}, row);
  EXPECT_EQ(row.test_loss, 2.0);
  EXPECT_FALSE(row.test_top5_accuracy || row.perplexity || row.test_bits_per_symbol ||
               row.test_token_accuracy);
  set_test_measures(test, {.input = {3}, .classes = 10}, row);
  EXPECT_EQ(row.test_top5_accuracy, 0.75);
  EXPECT_FALSE(row.perplexity.has_value());
}

// The ranks' files of --init-weights differ in one value.
TEST(Start, ThatDiffersFromRankToRankIsNamed) {
  collectives::run_on_threads(2, [](collectives::Communicator& comm) {
    TrainConfig config = four_learners("lenet", "none");
    sterna::Run run = make_run(config, comm);
    EXPECT_NO_THROW(require_equal_start(run));
    if (comm.rank() == 1) run.values.front() += 1.0f;
    EXPECT_THAT([&] { require_equal_start(run); },
                ThrowsMessage<AgreedConfigError>(AllOf(HasSubstr("init-weights"), HasSubstr("rank 1"))));
  });
}

TEST(Settings, ThatDifferAreNamedWithBothValues) {
  TrainConfig config = four_learners("lenet", "topk");
  const std::string first = describe_for_comparison(config);
  EXPECT_NO_THROW(require_equal_settings({first, first}));
  config.rate = 41;
  EXPECT_THAT(
      [&] {
        require_equal_settings({first, first, describe_for_comparison(config)});
      },
      ThrowsMessage<AgreedConfigError>(HasSubstr("rate = 40.0 on rank 0, 41.0 on rank 2")));
}

TEST(Settings, MayDifferWhereTheyNamePlaces) {
  TrainConfig config = four_learners("lenet", "topk");
  const std::string first = describe_for_comparison(config);
  config.data_dir = "/elsewhere";
  config.log_dir = "/elsewhere";
  EXPECT_NO_THROW(require_equal_settings({first, describe_for_comparison(config)}));
}

}  // namespace
}  // namespace sterna
