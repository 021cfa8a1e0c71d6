#include "runtime/commands/experiment_program.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "compressors/compressor.h"
#include "models/model.h"
#include "runtime/config.h"
#include "runtime/core/errors.h"
#include "runtime/data/dataset.h"
#include "runtime/exchange/layer_rates.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/schedule.h"

namespace sterna::commands {
namespace {

void require_dataset(const std::string& name) {
  std::vector<std::string_view> names;
  for (const data::DatasetEntry& entry : data::dataset_table()) names.push_back(entry.name);
  if (std::ranges::find(names, name) != names.end()) return;
  throw ConfigError(cat("[data] data = ", name, ": no such data set; this build has ", joined(names, ", ")));
}

void check(const TrainConfig& config) {
  validate(config);
  require_dataset(config.data);
  (void)compressors::make_compressor(
      config.compressor == kAutoCompressor ? config.auto_compressor : config.compressor, {.elements = 1},
      compressor_options(config, config.seed));
  (void)exchange::LayerRates(config.layer_rates);
  (void)optim::make_optimizer(config.optimizer, 1,
                              {.momentum = static_cast<float>(config.momentum),
                               .weight_decay = static_cast<float>(config.weight_decay)});
  (void)optim::Schedule(config.schedule, {.learning_rate = config.lr,
                                          .warmup_steps = config.warmup_steps,
                                          .total_steps = std::max<std::uint64_t>(1, config.warmup_steps)});
}

// Makes a model of each kind once: a large one takes its time.
class ModelCheck {
 public:
  void operator()(const TrainConfig& config) {
    const std::string model = cat(config.model, " ", joined(config.model_arg, " "));
    if (checked_.contains(model)) return;
    (void)models::make_model(config.model, /*batch_samples=*/1, config.model_arg);
    checked_.insert(model);
  }

 private:
  std::set<std::string> checked_;
};

}  // namespace

experiment::Program this_program() {
  experiment::Program program;
  const nlohmann::ordered_json defaults = to_json(TrainConfig{});
  for (const auto& [key, value] : defaults.items()) program.flags.insert(key);
  const auto check_model = std::make_shared<ModelCheck>();
  program.settings_of = [check_model](const std::vector<std::string>& arguments) {
    std::vector<const char*> words = {"train"};
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    TrainConfig config;
    (void)parse_train_arguments(static_cast<int>(words.size()), words.data(), config);
    if (config.learners == 0) config.learners = 1;  // one rank
    if (arguments.empty()) return to_json(config);
    check(config);
    (*check_model)(config);
    return to_json(config);
  };
  return program;
}

}  // namespace sterna::commands
