// Settings that change what learners see and hold back, who leads, and how much of a layer is sent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/run.h"

namespace sterna {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TrainConfig four_learners(const std::string& compressor) {
  TrainConfig config;
  config.compressor = compressor;
  config.learners = 4;
  config.batch = 2;
  config.steps = config.eval_every = 8;
  config.rate = 40;
  config.progress = "off";
  return config;
}

std::string hash_on(const TrainConfig& config, int ranks) {
  std::string hash;
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    const std::string mine = train(config, comm).parameter_hash;
    if (comm.rank() == 0) hash = mine;
  });
  return hash;
}

struct Control {
  std::string name;
  std::string compressor;
  void (*set)(TrainConfig& config);
};

class Controls : public testing::TestWithParam<Control> {};

TEST_P(Controls, ChangeWhatIsLearnedAndNoBitOfItWithTheRanks) {
  const TrainConfig plain = four_learners(GetParam().compressor);
  TrainConfig controlled = plain;
  GetParam().set(controlled);
  const std::string alone = hash_on(controlled, 1);
  EXPECT_NE(alone, hash_on(plain, 1));
  EXPECT_EQ(alone, hash_on(controlled, 2));
  EXPECT_EQ(alone, hash_on(controlled, 4));
}

INSTANTIATE_TEST_SUITE_P(
    Each, Controls,
    testing::Values(Control{"NoErrorFeedback", "topk", [](TrainConfig& c) { c.error_feedback = "off"; }},
                    Control{"NoErrorFeedbackOfASparseSum", "adacomp",
                            [](TrainConfig& c) {
                              c.gather = "sparse-sum";
                              c.error_feedback = "off";
                            }},
                    Control{"FirstLeader", "scalecom", [](TrainConfig& c) { c.leader = "first"; }},
                    Control{"LabelsApart", "scalecom", [](TrainConfig& c) { c.partition = "label"; }},
                    Control{"DroppedResidues", "adacomp", [](TrainConfig& c) { c.drop_residues_at = 4; }},
                    Control{"RatesByFlops", "scalecom", [](TrainConfig& c) { c.layer_rates = "flops"; }},
                    Control{"RatesByNameOfASparseSum", "topk",
                            [](TrainConfig& c) {
                              c.gather = "sparse-sum";
                              c.layer_rates = "conv=7,fc1=333";
                            }}),
    [](const auto& test) { return test.param.name; });

// By parameter, where it has one.
std::map<std::string, double> rates_of(const TrainConfig& config) {
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  const sterna::Run run = make_run(config, *comm);
  std::map<std::string, double> rates;
  const tensor::ParameterTable& table = run.model->parameters();
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (const auto rate = run.exchange->rate(i)) rates[table[i].name] = *rate;
  }
  return rates;
}

TEST(RatesByFlops, CountPositionsOfAConvolutionsOutput) {
  TrainConfig config = four_learners("scalecom");
  config.layer_rates = "flops";
  // conv2 has an output of 8 x 8; each weight of a fully connected layer is used once.
  EXPECT_EQ(rates_of(config),
            (std::map<std::string, double>{{"conv2.weight", 400}, {"fc1.weight", 400}, {"fc2.weight", 400}}));
  config.model = "resnet20";
  config.model_arg = {"depth=8", "width=4"};
  // One block a stage: outputs of 32 x 32, 16 x 16 and 8 x 8.
  for (const auto& [name, rate] : rates_of(config)) {
    const bool is_large = name.starts_with("blocks.0.") || name.starts_with("blocks.1.");
    EXPECT_EQ(rate, is_large ? 25.0 : 400.0) << name;
  }
}

TEST(RatesByFlops, CountTimeStepsAndTakeALookUpForNothing) {
  TrainConfig config = four_learners("topk");
  config.layer_rates = "flops";
  config.model = "char-lstm";
  config.model_arg = {"positions=128", "hidden=8", "symbols=16", "layers=1"};
  // The state before the first step is 0: a weight for it is used once less than one for the layer below.
  EXPECT_EQ(rates_of(config), (std::map<std::string, double>{{"embed.weight", 400},
                                                             {"head.weight", 50},
                                                             {"lstm.weight_hh_l0", 400},
                                                             {"lstm.weight_ih_l0", 50}}));
}

}  // namespace
}  // namespace sterna
