// What a step takes where a run was not measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/projection/link.h"
#include "runtime/projection/measured_run.h"
#include "runtime/projection/traffic.h"

namespace sterna::projection {

// One way to compress, of one model.
struct Subject {
  std::string name;
  bool is_measured = false;  // a run's own; else by closed form
  Payload payload{};
  double compress_seconds = 0.0;     // of a rank whose learners hear of nobody but themselves
  double seconds_per_payload = 0.0;  // to add up one more learner's gathered payload
  double leader_seconds = 0.0;       // all others wait for while it chooses; 0 where none does
};

// What a rank does in a step beside the exchange, on any number of ranks: each keeps its learners and their
// samples.
struct Workload {
  double compute_seconds = 0.0;
  double other_seconds = 0.0;  // waiting for data and the like
  std::uint32_t learners_per_rank = 1;
  bool is_overlapped = false;
  std::size_t buckets = 0;       // 0: the best number
  std::size_t most_buckets = 1;  // parameters

  [[nodiscard]] double alone_seconds() const { return compute_seconds + other_seconds; }
};

struct CodecCosts {
  double scale = 1.0;                // on what was measured, or is guessed
  double seconds_per_element = 0.0;  // to add up one of a payload that was gathered; 0: a guess
};

// As the run was, measured. Its learners may have been any number: what further payloads took is taken off.
[[nodiscard]] Subject measured_subject(const MeasuredRun& run, const CodecCosts& costs);

// Of the run's model, by closed form.
[[nodiscard]] Subject closed_form_subject(const MeasuredRun& run, const std::string& compressor, double rate,
                                          const CodecCosts& costs);

struct Prediction {
  std::uint32_t ranks = 1;
  std::uint32_t learners = 1;
  std::size_t buckets = 1;
  double step_seconds = 0.0;
  double compute_seconds = 0.0;
  double compress_seconds = 0.0;
  double exchange_seconds = 0.0;  // losses included, as in steps.jsonl
  double exposed_seconds = 0.0;
  double wire_bytes_sent = 0.0;  // by one rank, mean over ranks
  double payload_bytes = 0.0;
  double scaling_efficiency =
      0.0;  // step of a rank alone, that neither compresses nor exchanges, over this one
};

// A step on so many ranks. Buckets of equal cost become ready evenly over backward, which is two thirds of
// the computing; each is compressed and exchanged after the one before. So of N buckets' work, what is done
// before the last becomes ready is hidden, and at least one N-th is exposed.
[[nodiscard]] Prediction predict(const Subject& subject, const Workload& workload, const Link& link,
                                 std::uint32_t ranks);

// The link that the runs went over; see fit_link. Throws ConfigError if all of them had one rank.
[[nodiscard]] Link link_of_runs(std::span<const MeasuredRun> runs, const CodecCosts& costs, const Link& known,
                                bool is_latency_known);

}  // namespace sterna::projection
