// What a learner has to say in a step: worked out from the layers by a compressor's grammar, or taken from
// what a run has logged.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/projection/traffic.h"

namespace sterna::projection {

struct Layer {
  std::string name;
  std::string kind;  // as in run.json: convolution, fully-connected, bias...
  double elements = 0.0;
  bool may_be_compressed = true;  // false: it travels as float32, whatever the compressor
  std::string method;             // by which it travelled: the name of a compressor
};

// Names that payload_of() knows.
[[nodiscard]] std::vector<std::string_view> known_compressors();

// Throws ConfigError, which lists them, if it is none of them.
void require_known(const std::string& compressor);

// Whether runtime/train stays away from this layer unless told otherwise: biases, normalisation, and the
// first convolution of a table.
[[nodiscard]] bool stays_dense(const Layer& layer, bool is_first_convolution);

// By the grammar at the head of the compressor's file, with default settings but for the rate.
//   rate  topk, scalecom: elements to one that is sent; adacomp: likewise, for what it sends depends on the
//   gradients
// Throws ConfigError if the compressor is not known.
[[nodiscard]] Payload payload_of(const std::string& compressor, double rate, std::span<const Layer> layers);

// What a run's steps say of themselves: means.
struct LoggedPayload {
  double payload_bytes = 0.0;
  double elements_sent = 0.0;  // by learner 0
  double learners = 1.0;
  bool is_sparse_sum = false;
};

// By `layers`' methods: what is none, fp16 or bf16 follows from its elements; the rest is the compressor's.
[[nodiscard]] Payload payload_of_log(const LoggedPayload& log, std::span<const Layer> layers);

// Encoding and decoding of all layers by one learner, on one core: a rough guess where no run has measured
// it.
[[nodiscard]] double guessed_compress_seconds(const std::string& compressor, std::span<const Layer> layers);

// To add up one element of another learner's gathered payload: likewise. 0 where payloads are not gathered.
[[nodiscard]] double guessed_seconds_per_gathered_element(const std::string& compressor);

}  // namespace sterna::projection
