#include "runtime/experiment/plan.h"

#include <map>

#include "runtime/core/errors.h"

namespace sterna::experiment {
namespace {

// Data sets of files, and the folders in which --data-root may have them.
const std::map<std::string, std::vector<std::string>> kFolders = {
    {"cifar10", {"cifar10"}}, {"cifar100", {"cifar100"}}, {"fsdd", {"fsdd"}},
    {"mnist", {"mnist"}},     {"multi30k", {"multi30k"}}, {"text", {"tinyshakespeare", "text"}},
};

std::string as_text(const nlohmann::ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The directory of a variant's data; empty where its data set needs none, or the definition names it.
std::filesystem::path find_data(const Flags& flags, const std::filesystem::path& data_root) {
  const auto folders = kFolders.find(flags.value("data", ""));
  if (folders == kFolders.end() || flags.contains("data-dir")) return {};
  const std::string& data = folders->first;
  if (data_root.empty()) {
    throw ConfigError(cat("[experiment] data-root: must be given, the directory with a folder ",
                          folders->second.front(), "; `launch/fetch_data.sh --to data ", data,
                          "` makes one, then --data-root data"));
  }
  for (const std::string& folder : folders->second) {
    if (std::filesystem::is_directory(data_root / folder)) return data_root / folder;
  }
  throw ConfigError(cat("[experiment] data-root = ", data_root.string(), ": must have a folder ",
                        joined(folders->second, " or "), "; `launch/fetch_data.sh --to ", data_root.string(),
                        " ", data, "` fetches it"));
}

Flags merged(const Flags& common, const Flags& own) {
  Flags all = common;
  all.update(own);
  return all;
}

}  // namespace

std::vector<std::string> to_arguments(const Flags& flags) {
  std::vector<std::string> arguments;
  for (const auto& [key, value] : flags.items()) {
    if (!value.is_array()) {
      arguments.push_back(cat("--", key, "=", as_text(value)));
      continue;
    }
    for (const auto& each : value) arguments.push_back(cat("--", key, "=", as_text(each)));
  }
  return arguments;
}

std::filesystem::path run_directory(const std::filesystem::path& experiment, const std::string& variant,
                                    std::uint64_t seed) {
  return experiment / variant / cat("seed-", seed);
}

std::vector<PlannedRun> plan_runs(const Definition& definition, std::uint64_t seeds,
                                  const std::filesystem::path& directory,
                                  const std::filesystem::path& data_root, const Program& program) {
  std::vector<PlannedRun> runs;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    for (std::size_t v = 0; v < definition.variants.size(); ++v) {
      const Variant& variant = definition.variants[v];
      Flags flags = merged(definition.settings, variant.flags);
      if (const auto data = find_data(flags, data_root); !data.empty()) flags["data-dir"] = data.string();
      PlannedRun run{.variant = v,
                     .seed = seed,
                     .directory = run_directory(directory, variant.name, seed),
                     .arguments = {},
                     .settings = {}};
      flags["seed"] = seed;
      flags["log-dir"] = run.directory.string();
      flags["overwrite"] = true;  // of a run that was interrupted
      flags["progress"] = "off";
      run.arguments = to_arguments(flags);
      try {
        run.settings = program.settings_of(run.arguments);
      } catch (const ConfigError& error) {
        throw ConfigError(
            cat("[experiment] ", definition.name, ", variant ", variant.name, ": ", error.what()));
      }
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

}  // namespace sterna::experiment
