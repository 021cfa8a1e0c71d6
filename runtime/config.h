// The settings of a training run: flags of `sterna train`, keys of a TOML file and of run.json, one list for
// all three.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "compressors/compressor.h"
#include "runtime/data/loader.h"
#include "runtime/exchange/exchange.h"

namespace CLI {
class App;
}

namespace sterna {

// What --compressor says where the compressor is chosen while training.
inline constexpr char kAutoCompressor[] = "auto";

struct TrainConfig {
  std::string model = "lenet";
  std::vector<std::string> model_arg;
  std::string data = "synthetic";
  std::string data_dir;
  std::string augment = "none";
  std::string partition = "uniform";
  std::string vocabulary;
  std::size_t vocabulary_size = 8000;
  std::size_t beam = 1;
  double length_exponent = 0.6;
  std::uint32_t learners = 0;
  std::size_t batch = 32;
  std::uint64_t epochs = 0;
  std::uint64_t steps = 0;
  std::uint64_t eval_every = 0;
  std::string optimizer = "sgd";
  double lr = 0.01;
  double momentum = 0.9;
  double weight_decay = 0.0;
  std::string schedule = "constant";
  std::uint64_t warmup_steps = 0;
  std::string compressor = "none";
  double rate = 100.0;
  std::size_t bin_conv = 50;
  std::size_t bin_fc = 500;
  std::string selection = "chunk";
  double beta = 1.0;
  double threshold = 0.03;
  std::string layer_rates = "none";
  std::string leader = "rotate";
  std::string error_feedback = "on";
  std::uint64_t drop_residues_at = 0;
  std::uint64_t compress_after_epochs = 0;
  std::string dense_layers = exchange::kDefaultDenseLayers;
  std::string gather = "all";
  std::string hierarchy = "auto";
  std::string sum_order = "tree";
  std::string overlap = "on";
  std::string auto_compressor = "scalecom";
  std::string auto_choices;
  std::string device = "auto";
  std::string transport = "auto";
  int threads = 1;
  std::uint64_t bucket_bytes = 0;
  std::uint64_t timeout_seconds = 300;
  std::uint64_t seed = 1;
  std::string log_dir;
  std::uint64_t log_layers = 0;
  std::uint64_t log_diagnostics = 0;
  bool csv = false;
  bool overwrite = false;
  std::string progress = "auto";
  std::string record_gradients;
  std::string timeline;
  std::string init_weights;
  std::string save_weights;
};

// Calls setting(key, member, help) for the settings of the codecs, which `train`, `replay` and `bench codec`
// share. A key is the flag's long name, without the dashes.
template <typename Config, typename Setting>
void for_each_codec_setting(Config& c, Setting&& setting) {
  setting("compressor", c.compressor,
          "how gradients travel; `sterna list` names them all, and training has auto besides");
  setting("rate", c.rate, "dryden, randomk, scalecom, topk: 1 of this many elements is sent");
  setting("bin-conv", c.bin_conv, "adacomp, ls: elements in a bin, L_T, of convolutions");
  setting("bin-fc", c.bin_fc, "adacomp, ls: elements in a bin, L_T, of fully connected and recurrent layers");
  setting("selection", c.selection,
          "scalecom: chunk (the largest of each chunk of R elements) or exact (the top n/R)");
  setting("beta", c.beta, "scalecom: low-pass filter of the memory, in (0, 1]; 1 is plain error feedback");
  setting("threshold", c.threshold,
          "strom: tau; elements of at least this magnitude are sent, each as this much");
}

template <typename Config, typename Setting>
void for_each_setting(Config& c, Setting&& setting) {
  setting("model", c.model, "what to train; `sterna list` names them all");
  setting("model-arg", c.model_arg, "name=value, a size of the model; may be given again");
  setting("data", c.data, "what to train on; `sterna list` names them all");
  setting("data-dir", c.data_dir,
          "directory of the data's files (default: where Debian's package puts them)");
  setting("augment", c.augment,
          "none, or crop-flip: training images shifted by up to 4 pixels, and mirrored in every second case");
  setting(
      "partition", c.partition,
      "samples of a learner: uniform (each epoch deals out all of them anew) or label (those of few labels, "
      "always the same, as where each site has data of its own)");
  setting("vocabulary", c.vocabulary,
          "multi30k: file of the byte pairs, learned and written where it is not there (none: learned anew)");
  setting("vocabulary-size", c.vocabulary_size, "multi30k: symbols of a vocabulary that is learned");
  setting("beam", c.beam, "translation: prefixes that the search for a test translation follows (1: greedy)");
  setting("length-exponent", c.length_exponent,
          "translation: alpha of the beam search's length penalty, ((5 + n) / 6)^alpha");
  setting("learners", c.learners, "data-parallel workers L, a multiple of the ranks (0: as many as ranks)");
  setting("batch", c.batch, "samples per learner and step");
  setting("epochs", c.epochs, "passes over the training data (or give --steps)");
  setting("steps", c.steps, "optimizer steps (or give --epochs)");
  setting("eval-every", c.eval_every, "steps between evaluations on the test data (0: each epoch)");
  setting("optimizer", c.optimizer, "sgd, adam or adamw");
  setting("lr", c.lr, "peak learning rate");
  setting("momentum", c.momentum, "sgd: momentum, in [0, 1)");
  setting("weight-decay", c.weight_decay, "L2 for sgd and adam, decoupled for adamw");
  setting("schedule", c.schedule, "constant, step, cosine or linear");
  setting("warmup-steps", c.warmup_steps, "steps over which the learning rate rises to its peak");
  for_each_codec_setting(c, setting);
  setting(
      "layer-rates", c.layer_rates,
      "dryden, randomk, scalecom, topk: none (--rate for all), flops (25, 50 or 400 where a sample takes a "
      "weight more than 196, at least 128, or fewer times; for 32 samples a learner), or REGEX=R,... (the "
      "first that is found in a parameter's name)");
  setting("leader", c.leader,
          "scalecom: rotate (learner step mod L), or first (learner 0 always: a control)");
  setting("error-feedback", c.error_feedback,
          "on or off: off empties all residues after every step (a control: what was not sent is lost)");
  setting("drop-residues-at", c.drop_residues_at,
          "step before which all residues are emptied once, as by a restart without them (0: never)");
  setting("gather", c.gather,
          "adacomp, dryden, ls, strom, topk: all (every rank receives every payload) or sparse-sum (each "
          "element goes to one owner, "
          "who sums it and passes the largest sums on; bytes per rank do not grow with the ranks)");
  setting(
      "hierarchy", c.hierarchy,
      "flat (every rank speaks to every other), host (the ranks of a host add up first, one of them speaks "
      "to other "
      "hosts; the bits are the same), or auto (host where there are several hosts with several ranks each)");
  setting("compress-after-epochs", c.compress_after_epochs,
          "epochs that travel dense before compression begins");
  setting("dense-layers", c.dense_layers,
          "regular expression for names of parameters that are never compressed; replaces the default, "
          "empty: none");
  setting(
      "sum-order", c.sum_order,
      "tree (the same bits at any number of ranks) or any (the MPI library's own; its bytes are estimated)");
  setting("overlap", c.overlap,
          "on or off: buckets are exchanged while backward goes on; the bits are the same");
  setting("auto-compressor", c.auto_compressor,
          "--compressor auto: what is weighed, layer by layer, against none and fp16");
  setting("auto-choices", c.auto_choices,
          "--compressor auto: choices.jsonl of an earlier run, whose choices are made again at the same "
          "steps (none: "
          "by measurement)");
  setting("device", c.device,
          "where models compute: cpu, cuda (a GPU for each rank) or auto, which is cuda where --transport "
          "nccl gives each rank a GPU and all that is asked for works there, and else cpu");
  setting("transport", c.transport,
          "auto, mpi or nccl, which wants a GPU for each rank; auto takes nccl with --device cuda where "
          "every rank has one and all that is asked for works there, else mpi where a launcher (mpirun, "
          "srun) started the program");
  setting("threads", c.threads, "threads per rank; results are bit-equal for equal threads");
  setting(
      "bucket-bytes", c.bucket_bytes,
      "layers are fused into one message up to this much float32 gradient (0: chosen by measurement in the "
      "first steps, and again when compression begins)");
  setting("timeout-seconds", c.timeout_seconds,
          "how long to wait for another rank before the job is given up");
  setting("seed", c.seed, "of initial parameters, shuffling, augmentation and synthetic data");
  setting("log-dir", c.log_dir, "directory for run.json, steps.jsonl, epochs.jsonl (none: no logs)");
  setting("log-layers", c.log_layers, "steps between rows of layers.jsonl (0: none)");
  setting("log-diagnostics", c.log_diagnostics,
          "steps between rows of diagnostics.jsonl, of all learners on one rank: residues, what was chosen, "
          "what is left (0: none)");
  setting("csv", c.csv, "write the same rows as CSV beside, but for diagnostics");
  setting("overwrite", c.overwrite,
          "replace the logs that the log directory already holds, the timeline, and recorded gradients");
  setting("progress", c.progress, "auto, on or off");
  setting("record-gradients", c.record_gradients,
          "directory for each layer's gradients, [steps, learners, n], for replay");
  setting("timeline", c.timeline,
          "JSON file for what each thread of every rank did when, in Chrome's trace event format; "
          "ui.perfetto.dev shows it (none: no timeline)");
  setting("init-weights", c.init_weights,
          "Safetensors file to start from, with every parameter under its name in PyTorch's state_dict "
          "(none: initial values of the seed)");
  setting("save-weights", c.save_weights,
          "Safetensors file for the parameters and statistics after the last step; replaces such a file");
}

// Returns every setting under its key.
[[nodiscard]] nlohmann::ordered_json to_json(const TrainConfig& config);

// The flags of `sterna train`, which set `config`; it must outlive them.
[[nodiscard]] std::unique_ptr<CLI::App> make_train_app(TrainConfig& config);

// Reads the arguments that follow `sterna train`, and the TOML file that --config names. Returns the help
// text if the arguments ask for it, else "". Throws ConfigError.
[[nodiscard]] std::string parse_train_arguments(int argc, const char* const* argv, TrainConfig& config);

// Returns the selection "chunk" or "exact" names; throws ConfigError for any other.
[[nodiscard]] compressors::Selection selection_named(const std::string& name);

// Returns the pattern "all" or "sparse-sum" names; throws ConfigError for any other.
[[nodiscard]] exchange::Gather gather_named(const std::string& name);

// Returns the hierarchy "auto", "flat" or "host" names; throws ConfigError for any other.
[[nodiscard]] exchange::Hierarchy hierarchy_named(const std::string& name);

// Returns the partition "uniform" or "label" names; throws ConfigError for any other.
[[nodiscard]] data::Partition partition_named(const std::string& name);

// Settings as compressors take them. Throws ConfigError.
template <typename Config>
[[nodiscard]] compressors::Options compressor_options(const Config& config, std::uint64_t seed) {
  return {.rate = config.rate,
          .bin_conv = config.bin_conv,
          .bin_fc = config.bin_fc,
          .selection = selection_named(config.selection),
          .beta = static_cast<float>(config.beta),
          .threshold = static_cast<float>(config.threshold),
          .seed = seed};
}

// Checks what can be checked without data, model or ranks. Throws ConfigError.
void validate(const TrainConfig& config);

// Throws AgreedConfigError if the ranks' settings, versions or builds differ; it names the setting and both
// values.
//   by_rank  what describe_for_comparison returned on each rank
void require_equal_settings(const std::vector<std::string>& by_rank);

// What all ranks must agree on, as JSON: the settings but for those that name places on one machine, version,
// build.
[[nodiscard]] std::string describe_for_comparison(const TrainConfig& config);

}  // namespace sterna
