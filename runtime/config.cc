#include "runtime/config.h"

#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "runtime/command_line.h"
#include "runtime/core/errors.h"
#include "runtime/core/version.h"
#include "runtime/data/text_lines.h"
#include "runtime/executable.h"
#include "runtime/record/progress.h"
#include "runtime/toml_config.h"

namespace sterna {
namespace {

// Settings that may differ from rank to rank: they name places on one machine, or speak to one terminal.
const std::set<std::string> kLocalSettings = {
    "data-dir", "log-dir",   "record-gradients", "init-weights", "save-weights", "progress",
    "csv",      "overwrite", "timeline",         "vocabulary",   "auto-choices"};

// Where these files are is a matter of one machine, but whether there are any is everybody's: gradients,
// statistics and spans are gathered, and all ranks start from the same weights.
constexpr const char* kFilesOfAll[] = {"record-gradients", "init-weights", "save-weights", "timeline",
                                       "auto-choices"};

template <typename Number>
void require_range(const char* key, Number value, bool is_legal, const char* legal) {
  if (is_legal) return;
  throw ConfigError(cat("[train] ", key, " = ", value, ": must be ", legal));
}

void require_one_of(const char* key, const std::string& value, const std::vector<std::string>& legal) {
  for (const std::string& name : legal) {
    if (name == value) return;
  }
  throw ConfigError(cat("[train] ", key, " = \"", value, "\": must be ", joined(legal, " or ")));
}

// Settings stand in run.json, which is UTF-8.
void require_utf8(const std::string& key, const std::string& text) {
  const std::size_t whole = data::utf8_bytes(text);
  if (whole == text.size()) return;
  throw ConfigError(cat("[train] ", key, " = \"", text.substr(0, whole), "\" and more: byte ", whole + 1,
                        " is not UTF-8, which settings and names of files must be"));
}

void require_utf8(const TrainConfig& config) {
  for_each_setting(config, [](const char* key, const auto& value, const char*) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, std::string>) require_utf8(key, value);
    if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
      for (const std::string& each : value) require_utf8(key, each);
    }
  });
}

}  // namespace

nlohmann::ordered_json to_json(const TrainConfig& config) {
  nlohmann::ordered_json json;
  for_each_setting(config, [&](const char* key, const auto& value, const char*) { json[key] = value; });
  return json;
}

std::unique_ptr<CLI::App> make_train_app(TrainConfig& config) {
  auto app = std::make_unique<CLI::App>(
      "Trains a model on the data of L learners, which exchange compressed gradients.", "sterna train");
  app->set_config("--config", "",
                  "TOML file; its keys are the flags' long names; a flag on the command line wins");
  app->allow_config_extras(CLI::config_extras_mode::error);
  std::set<std::string> keys;
  for_each_setting(config, [&](const char* key, auto& value, const char* help) {
    add_flag_for(*app, key, value, help);
    keys.insert(key);
  });
  app->config_formatter(make_toml_config(std::move(keys)));
  return app;
}

std::string parse_train_arguments(int argc, const char* const* argv, TrainConfig& config) {
  const std::unique_ptr<CLI::App> app = make_train_app(config);
  try {
    return parse_arguments(*app, argc, argv);
  } catch (const TomlMistake& mistake) {
    throw ConfigError(
        cat("[sterna train] config = ", app->get_config_ptr()->as<std::string>(), ", ", mistake.what()));
  }
}

compressors::Selection selection_named(const std::string& name) {
  if (name == "chunk") return compressors::Selection::kChunk;
  if (name == "exact") return compressors::Selection::kExact;
  throw ConfigError(cat("[scalecom] selection = \"", name, "\": must be chunk or exact"));
}

exchange::Gather gather_named(const std::string& name) {
  if (name == "all") return exchange::Gather::kAll;
  if (name == "sparse-sum") return exchange::Gather::kSparseSum;
  throw ConfigError(cat("[exchange] gather = \"", name, "\": must be all or sparse-sum"));
}

data::Partition partition_named(const std::string& name) {
  if (name == "uniform") return data::Partition::kUniform;
  if (name == "label") return data::Partition::kLabel;
  throw ConfigError(cat("[data] partition = \"", name, "\": must be uniform or label"));
}

exchange::Hierarchy hierarchy_named(const std::string& name) {
  if (name == "auto") return exchange::Hierarchy::kAuto;
  if (name == "flat") return exchange::Hierarchy::kFlat;
  if (name == "host") return exchange::Hierarchy::kHost;
  throw ConfigError(cat("[exchange] hierarchy = \"", name, "\": must be auto, flat or host"));
}

void validate(const TrainConfig& c) {
  require_utf8(c);
  require_range("batch", c.batch, c.batch >= 1 && c.batch <= 1u << 20,
                "in [1, 1048576], samples per learner");
  require_range("lr", c.lr, static_cast<float>(c.lr) > 0.0f && c.lr < 1e6,
                "in (0, 1e6), and not 0 in float32");
  require_range("threads", c.threads, c.threads >= 1 && c.threads <= 1024, "in [1, 1024]");
  require_range("learners", c.learners, c.learners <= 65536, "in [1, 65536], or 0 for as many as ranks");
  require_range("timeout-seconds", c.timeout_seconds, c.timeout_seconds >= 1 && c.timeout_seconds <= 86400,
                "in [1, 86400]");
  require_range("steps", c.steps, c.steps < std::uint64_t{1} << 32, "below 2^32");
  require_range("epochs", c.epochs, c.epochs <= 1000000, "at most 1000000");
  if ((c.epochs == 0) == (c.steps == 0)) {
    throw ConfigError(cat("[train] epochs = ", c.epochs, ", steps = ", c.steps,
                          ": exactly one of the two must be given and positive; try --epochs 5"));
  }
  require_range("beam", c.beam, c.beam >= 1 && c.beam <= 64, "in [1, 64]");
  require_range("length-exponent", c.length_exponent, c.length_exponent >= 0.0 && c.length_exponent <= 10.0,
                "in [0, 10]");
  require_one_of("augment", c.augment, {"none", "crop-flip"});
  require_one_of("leader", c.leader, {"rotate", "first"});
  require_one_of("error-feedback", c.error_feedback, {"on", "off"});
  require_one_of("sum-order", c.sum_order, {"tree", "any"});
  require_one_of("overlap", c.overlap, {"on", "off"});
  require_one_of("device", c.device, {"auto", "cpu", "cuda"});
  require_one_of("transport", c.transport, {"auto", "mpi", "nccl"});
  if (c.auto_compressor == "none" || c.auto_compressor == "fp16" || c.auto_compressor == kAutoCompressor) {
    throw ConfigError(
        cat("[train] auto-compressor = \"", c.auto_compressor,
            "\": must be a compressor beside none and fp16, which are weighed in any case; try scalecom"));
  }
  if (!c.auto_choices.empty() && c.compressor != kAutoCompressor) {
    throw ConfigError(cat("[train] auto-choices = ", c.auto_choices, ": goes with --compressor auto alone"));
  }
  if (c.log_dir.empty() && (c.csv || c.log_layers > 0)) {
    throw ConfigError(cat("[train] ", c.csv ? "csv" : "log-layers",
                          ": needs a log directory to write to; give --log-dir DIR, or leave it out"));
  }
  (void)record::progress_mode(c.progress);
  (void)selection_named(c.selection);
  (void)gather_named(c.gather);
  (void)hierarchy_named(c.hierarchy);
  (void)partition_named(c.partition);
  exchange::check_dense_layers(c.dense_layers);
}

std::string describe_for_comparison(const TrainConfig& config) {
  nlohmann::ordered_json described;
  described["program version"] = kVersion;
  described["program build"] = cat(kBuild, ", file ", executable_hash());
  const nlohmann::ordered_json settings = to_json(config);
  for (const auto& [key, value] : settings.items()) {
    if (!kLocalSettings.contains(key)) described[key] = value;
  }
  for (const char* key : kFilesOfAll) described[cat(key, " is given")] = settings[key] != "";
  return described.dump();
}

void require_equal_settings(const std::vector<std::string>& by_rank) {
  const auto first = nlohmann::ordered_json::parse(by_rank.front());
  for (std::size_t rank = 1; rank < by_rank.size(); ++rank) {
    if (by_rank[rank] == by_rank.front()) continue;
    const auto other = nlohmann::ordered_json::parse(by_rank[rank]);
    for (const auto& [key, value] : first.items()) {
      if (other.contains(key) && other[key] == value) continue;
      throw AgreedConfigError(cat("[train] ", key, " = ", value.dump(), " on rank 0, ",
                                  other.contains(key) ? other[key].dump() : "not known", " on rank ", rank,
                                  ": all ranks must run the same program with the same settings"));
    }
    throw AgreedConfigError(cat("[train] rank ", rank, " has settings that rank 0 does not know",
                                ": all ranks must run the same program"));
  }
}

}  // namespace sterna
