// What the logs of a training run say of its steps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/projection/payload.h"
#include "runtime/projection/traffic.h"

namespace sterna::projection {

struct MeasuredRun {
  std::filesystem::path directory;
  std::string model{};
  std::string compressor{};  // as --compressor said
  double rate = 0.0;
  double samples = 0.0;  // of one learner in a step
  bool is_overlapped = false;
  bool has_open_buckets = false;  // the run chose their number
  bool sums_in_any_order = false;
  std::uint32_t learners = 1;
  std::size_t hosts = 1;  // different ones
  Layout layout{};        // its ranks, learners a rank and buckets
  std::vector<Layer> layers{};

  std::size_t steps = 0;      // that the figures below are of
  double step_seconds = 0.0;  // medians
  double compute_seconds = 0.0;
  double compress_seconds = 0.0;
  double exchange_seconds = 0.0;
  double exposed_seconds = 0.0;
  // Neither computing, compressing nor exchanging, such as waiting for a batch. What of compressing was
  // hidden is not logged: it is taken to be the same part as of the exchange.
  double other_seconds = 0.0;
  double wire_bytes_sent = 0.0;  // mean, of rank 0
  Payload payload{};
};

// Reads run.json, steps.jsonl and, of --compressor auto, choices.jsonl. The figures are of the second half of
// those steps that went as the last one did: compressed, and by the last choice. Throws ConfigError, which
// names file and line, if a file is not there or is not what `sterna train` writes, and if there is no such
// step.
[[nodiscard]] MeasuredRun read_run(const std::filesystem::path& directory);

}  // namespace sterna::projection
