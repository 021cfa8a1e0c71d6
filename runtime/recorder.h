// What a run leaves behind while it goes on: the files in --log-dir and the lines for people. Rank 0's; on
// other ranks it does nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/compressor_choice.h"
#include "runtime/config.h"
#include "runtime/record/log_directory.h"
#include "runtime/record/progress.h"
#include "runtime/record/records.h"

namespace sterna {

struct Run;

class Recorder {
 public:
  // Makes the log directory, if one is wanted. Throws ConfigError if that is not possible.
  Recorder(const TrainConfig& config, std::uint64_t total_steps, bool is_first_rank);

  // Before the first step: run.json, and a line with the rates where layers have their own.
  //   hosts  by rank
  void begin(const Run& run, const std::vector<std::string>& hosts);

  // Replaces a file of that name in the log directory.
  void text(const std::string& name, const std::string& text);

  // After a step: its line, and on some steps a line for each layer.
  void step(const Run& run, const record::StepRecord& record);

  // A line for each layer of a diagnosed step.
  void diagnostics(std::span<const record::DiagnosticsRecord> layers);

  void choice(const CompressorChoice::Change& change);

  // A line for people, between steps.
  void note(const std::string& line);

  void epoch(const record::EpochRecord& record, std::span<const record::RankRecord> ranks);

 private:
  void layers(const Run& run, std::uint64_t step);

  record::Progress progress_;
  std::uint64_t log_layers_;
  bool is_first_rank_;
  std::unique_ptr<record::LogDirectory> log_;  // where one is wanted
};

}  // namespace sterna
