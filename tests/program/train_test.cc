#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    EXPECT_EQ(evaluate(run, 1).labels, 1024u) << "batch " << batch;
  }
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
