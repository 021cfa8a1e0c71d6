// The rows of the logs, and their fields by name: the names are a contract with users' scripts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sterna::record {

// One optimizer step, a line of steps.jsonl. Loss and accuracy are means over all learners; times and wire
// bytes are this rank's; payload bytes are the mean over learners.
struct StepRecord {
  std::uint64_t step = 0;
  std::uint64_t epoch = 0;    // epochs completed before it
  std::uint64_t samples = 0;  // of all learners, since the run began
  double loss = 0.0;          // nats
  double accuracy = 0.0;      // in [0, 1]
  double learning_rate = 0.0;
  double step_seconds = 0.0;
  double compute_seconds = 0.0;   // forward, backward, optimizer
  double compress_seconds = 0.0;  // encode, decode
  double exchange_seconds = 0.0;  // an exchange was under way
  double exposed_seconds = 0.0;   // ... and compute waited for it
  std::uint64_t wire_bytes_sent = 0;
  std::uint64_t wire_bytes_received = 0;
  std::uint64_t network_bytes_sent = 0;  // the part of wire_bytes_sent that went to other hosts
  std::uint64_t network_bytes_received = 0;
  // wire_bytes_sent by what the bytes are: these six add up to it.
  std::uint64_t value_bytes = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t header_bytes = 0;     // of messages, with the lengths that go before them
  std::uint64_t padding_bytes = 0;    // to a length that all ranks know
  std::uint64_t forwarded_bytes = 0;  // what others of this host had to say, and for them
  std::uint64_t control_bytes = 0;    // no gradient: the learners' losses
  std::uint64_t payload_bytes = 0;
  std::uint64_t dense_bytes = 0;
  double compression_rate = 0.0;
  std::uint64_t elements_sent = 0;  // by learner 0
  std::uint64_t buckets = 0;        // that the gradient travelled in
  double bandwidth_bytes_per_second = 0.0;
};

// One epoch, or one evaluation: a line of epochs.jsonl.
struct EpochRecord {
  std::uint64_t epoch = 0;  // epochs completed
  std::uint64_t step = 0;   // steps completed
  double train_loss = 0.0;
  double train_accuracy = 0.0;
  double test_loss = 0.0;
  double test_accuracy = 0.0;
  std::optional<double> test_top5_accuracy{};    // of models with at least ten classes
  std::optional<double> perplexity{};            // of models of symbols: exp(test_loss) ...
  std::optional<double> test_bits_per_symbol{};  // ... and test_loss / ln 2: bits per character, or per token
  std::optional<double> test_token_accuracy{};   // of models of symbols; equals test_accuracy
  std::optional<double> test_bleu{};             // of translations, in [0, 100], words cut as 13a cuts them
  double epoch_seconds = 0.0;         // wall time since the row before, evaluation and logs included
  std::uint64_t wire_bytes_sent = 0;  // by this rank since the row before, evaluation included
  std::string parameter_hash{};
};

// One rank at an evaluation: a line of ranks.jsonl.
struct RankRecord {
  std::uint64_t epoch = 0;  // epochs completed
  std::uint64_t step = 0;   // steps completed
  std::uint64_t rank = 0;
  std::string host{};
  std::uint64_t wire_bytes_sent = 0;  // since the run began, but for what gathers these rows
  std::uint64_t wire_bytes_received = 0;
  std::uint64_t network_bytes_sent = 0;  // the part of wire_bytes_sent that went to other hosts
  std::uint64_t network_bytes_received = 0;
};

// One layer of one step: a line of layers.jsonl. Norms and elements_sent are learner 0's; payload bytes are
// the mean over learners.
struct LayerRecord {
  std::uint64_t step = 0;
  std::string layer{};
  std::string kind{};
  std::uint64_t elements = 0;
  std::uint64_t elements_sent = 0;
  std::uint64_t payload_bytes = 0;
  double gradient_norm = 0.0;
  double residue_norm = 0.0;
};

// What a compressor made of one layer at one step, all learners side by side: a line of diagnostics.jsonl. m
// are the learners' residues before the step, g their gradients, y the mean over learners of m + g, k is
// elements_sent. What does not apply is absent.
struct DiagnosticsRecord {
  std::uint64_t step = 0;
  std::string layer{};
  std::string kind{};
  std::uint64_t elements = 0;
  std::uint64_t elements_sent = 0;            // by learner 0
  std::optional<double> elements_per_bin{};   // of methods with bins: by learner 0
  double gradient_p95 = 0.0;                  // 95th percentile of |g|, learner 0's
  double residue_p95 = 0.0;                   // the same of |m|
  std::optional<double> cosine_distance{};    // 1 - cos(m_i, m_j), mean over pairs of learners
  std::uint64_t union_elements = 0;           // different ones that all learners sent together
  std::uint64_t local_top_k_union = 0;        // ... had each sent the k largest of its own m + g
  std::optional<double> hamming_distance{};   // part of what the leader sent that is not of y's k largest
  std::optional<double> contraction{};        // ||y - mean sent||^2 / ||y||^2
  std::optional<double> top_k_contraction{};  // ... had y's k largest been sent
  std::optional<double> contraction_bound{};  // of methods whose learners send values at one set of indices
  std::vector<double> residue_quantiles{};    // of |m|, learner 0's, at diagnosis::kQuantilePercents
  std::vector<double> mean_residue_quantiles{};  // of |mean over learners of m|
};

// How parameters travel from a step on, where --compressor is auto: a line of choices.jsonl.
struct ChoiceRecord {
  std::uint64_t step = 0;
  std::string reason{};   // trial, chosen, or planned by --auto-choices
  std::string methods{};  // none, fp16 or the compressor's name for each parameter, apart by spaces
};

// Calls field(name, value) for each field, in the order of the logs.
template <typename Field>
void for_each_field(const StepRecord& r, Field&& field) {
  field("step", r.step);
  field("epoch", r.epoch);
  field("samples", r.samples);
  field("loss", r.loss);
  field("accuracy", r.accuracy);
  field("learning_rate", r.learning_rate);
  field("step_seconds", r.step_seconds);
  field("compute_seconds", r.compute_seconds);
  field("compress_seconds", r.compress_seconds);
  field("exchange_seconds", r.exchange_seconds);
  field("exposed_seconds", r.exposed_seconds);
  field("wire_bytes_sent", r.wire_bytes_sent);
  field("wire_bytes_received", r.wire_bytes_received);
  field("network_bytes_sent", r.network_bytes_sent);
  field("network_bytes_received", r.network_bytes_received);
  field("value_bytes", r.value_bytes);
  field("index_bytes", r.index_bytes);
  field("header_bytes", r.header_bytes);
  field("padding_bytes", r.padding_bytes);
  field("forwarded_bytes", r.forwarded_bytes);
  field("control_bytes", r.control_bytes);
  field("payload_bytes", r.payload_bytes);
  field("dense_bytes", r.dense_bytes);
  field("compression_rate", r.compression_rate);
  field("elements_sent", r.elements_sent);
  field("buckets", r.buckets);
  field("bandwidth_bytes_per_second", r.bandwidth_bytes_per_second);
}

template <typename Field>
void for_each_field(const EpochRecord& r, Field&& field) {
  field("epoch", r.epoch);
  field("step", r.step);
  field("train_loss", r.train_loss);
  field("train_accuracy", r.train_accuracy);
  field("test_loss", r.test_loss);
  field("test_accuracy", r.test_accuracy);
  if (r.test_top5_accuracy) field("test_top5_accuracy", *r.test_top5_accuracy);
  if (r.perplexity) field("perplexity", *r.perplexity);
  if (r.test_bits_per_symbol) field("test_bits_per_symbol", *r.test_bits_per_symbol);
  if (r.test_token_accuracy) field("test_token_accuracy", *r.test_token_accuracy);
  if (r.test_bleu) field("test_bleu", *r.test_bleu);
  field("epoch_seconds", r.epoch_seconds);
  field("wire_bytes_sent", r.wire_bytes_sent);
  field("parameter_hash", r.parameter_hash);
}

template <typename Field>
void for_each_field(const RankRecord& r, Field&& field) {
  field("epoch", r.epoch);
  field("step", r.step);
  field("rank", r.rank);
  field("host", r.host);
  field("wire_bytes_sent", r.wire_bytes_sent);
  field("wire_bytes_received", r.wire_bytes_received);
  field("network_bytes_sent", r.network_bytes_sent);
  field("network_bytes_received", r.network_bytes_received);
}

template <typename Field>
void for_each_field(const LayerRecord& r, Field&& field) {
  field("step", r.step);
  field("layer", r.layer);
  field("kind", r.kind);
  field("elements", r.elements);
  field("elements_sent", r.elements_sent);
  field("payload_bytes", r.payload_bytes);
  field("gradient_norm", r.gradient_norm);
  field("residue_norm", r.residue_norm);
}

template <typename Field>
void for_each_field(const DiagnosticsRecord& r, Field&& field) {
  field("step", r.step);
  field("layer", r.layer);
  field("kind", r.kind);
  field("elements", r.elements);
  field("elements_sent", r.elements_sent);
  if (r.elements_per_bin) field("elements_per_bin", *r.elements_per_bin);
  field("gradient_p95", r.gradient_p95);
  field("residue_p95", r.residue_p95);
  if (r.cosine_distance) field("cosine_distance", *r.cosine_distance);
  field("union_elements", r.union_elements);
  field("local_top_k_union", r.local_top_k_union);
  if (r.hamming_distance) field("hamming_distance", *r.hamming_distance);
  if (r.contraction) field("contraction", *r.contraction);
  if (r.top_k_contraction) field("top_k_contraction", *r.top_k_contraction);
  if (r.contraction_bound) field("contraction_bound", *r.contraction_bound);
  field("residue_quantiles", r.residue_quantiles);
  field("mean_residue_quantiles", r.mean_residue_quantiles);
}

template <typename Field>
void for_each_field(const ChoiceRecord& r, Field&& field) {
  field("step", r.step);
  field("reason", r.reason);
  field("methods", r.methods);
}

}  // namespace sterna::record
