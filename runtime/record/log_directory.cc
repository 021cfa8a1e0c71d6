#include "runtime/record/log_directory.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <type_traits>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

constexpr std::array kFiles = {"run.json",         "steps.jsonl",       "epochs.jsonl",  "ranks.jsonl",
                               "layers.jsonl",     "diagnostics.jsonl", "choices.jsonl", "steps.csv",
                               "epochs.csv",       "ranks.csv",         "layers.csv",    "choices.csv",
                               "translations.txt", "vocabulary.txt"};

template <typename Record>
std::string json_line(const Record& record) {
  nlohmann::ordered_json row;
  for_each_field(record, [&](const char* name, const auto& value) { row[name] = value; });
  return row.dump();
}

template <typename Record>
std::string csv_line(const Record& record, bool names) {
  std::string line;
  for_each_field(record, [&](const char* name, const auto& value) {
    if (!line.empty()) line += ',';
    if (names) {
      line += name;
    } else if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
      line += value;  // names of layers, hosts and methods, and hashes: none holds a comma or a quote
    } else {
      line += nlohmann::json(value).dump();
    }
  });
  return line + '\n';
}

void prepare(const LogOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) {
    throw ConfigError(cat("[record] log-dir = ", options.directory.string(), ": cannot make it (",
                          error.message(), "); choose a directory that can be written"));
  }
  for (const char* file : kFiles) {
    const std::filesystem::path path = options.directory / file;
    if (!std::filesystem::exists(path, error)) continue;
    if (is_being_written(path)) {
      throw ConfigError(cat("[record] log-dir = ", options.directory.string(), ": another run is writing (",
                            file, "); choose another directory, or wait for that run"));
    }
    if (!options.overwrite) {
      throw ConfigError(cat("[record] log-dir = ", options.directory.string(),
                            ": holds the logs of another run (", file,
                            "); choose another directory, or give --overwrite to replace them"));
    }
  }
}

}  // namespace

// One kind of row: its .jsonl, and its .csv where that is wanted.
class LogDirectory::Table {
 public:
  Table(const LogOptions& options, const std::string& name)
      : json_(options.directory / (name + ".jsonl")),
        csv_(options.with_csv ? std::make_unique<AppendFile>(options.directory / (name + ".csv")) : nullptr) {
  }

  template <typename Record>
  void write(const Record& record) {
    json_.append(json_line(record) + '\n');
    if (!csv_) return;
    if (!has_names_) csv_->append(csv_line(record, /*names=*/true));
    has_names_ = true;
    csv_->append(csv_line(record, /*names=*/false));
  }

 private:
  AppendFile json_;
  std::unique_ptr<AppendFile> csv_;
  bool has_names_ = false;
};

LogDirectory::LogDirectory(const LogOptions& options) : directory_(options.directory) {
  prepare(options);
  if (options.overwrite) {
    std::error_code ignored;  // what cannot be removed cannot be opened either, and that is reported
    for (const char* file : kFiles) std::filesystem::remove(options.directory / file, ignored);
  }
  steps_ = std::make_unique<Table>(options, "steps");
  epochs_ = std::make_unique<Table>(options, "epochs");
  ranks_ = std::make_unique<Table>(options, "ranks");
  if (options.with_layers) layers_ = std::make_unique<Table>(options, "layers");
  if (options.with_diagnostics)
    diagnostics_ = std::make_unique<AppendFile>(options.directory / "diagnostics.jsonl");
  if (options.with_choices) choices_ = std::make_unique<Table>(options, "choices");
}

LogDirectory::~LogDirectory() = default;

void LogDirectory::write_run(const std::string& json) {
  write_whole(directory_ / "run.json", json + '\n');
}
void LogDirectory::write_text(const std::string& name, const std::string& text) {
  write_whole(directory_ / name, text);
}
void LogDirectory::write(const StepRecord& record) {
  steps_->write(record);
}
void LogDirectory::write(const EpochRecord& record) {
  epochs_->write(record);
}
void LogDirectory::write(const RankRecord& record) {
  ranks_->write(record);
}

void LogDirectory::write(const LayerRecord& record) {
  STERNA_CHECK(layers_ != nullptr);
  layers_->write(record);
}

void LogDirectory::write(const DiagnosticsRecord& record) {
  STERNA_CHECK(diagnostics_ != nullptr);
  diagnostics_->append(json_line(record) + '\n');
}

void LogDirectory::write(const ChoiceRecord& record) {
  STERNA_CHECK(choices_ != nullptr);
  choices_->write(record);
}

std::string to_json_line(const StepRecord& record) {
  return json_line(record);
}

}  // namespace sterna::record
