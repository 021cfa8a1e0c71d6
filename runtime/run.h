// A training run: everything that train_step() needs, and the loop around it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"
#include "runtime/bucket/bucket.h"
#include "runtime/collectives/communicator.h"
#include "runtime/config.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/clock.h"
#include "runtime/core/spans.h"
#include "runtime/data/loader.h"
#include "runtime/device_arrays.h"
#include "runtime/exchange/bucket_exchange.h"
#include "runtime/exchange/exchange.h"
#include "runtime/optim/optimizer.h"
#include "runtime/optim/schedule.h"
#include "runtime/record/records.h"
#include "runtime/step_exchange.h"
#include "runtime/tensor/operations.h"
#include "runtime/timeline.h"
#include "runtime/translation.h"

namespace sterna {

struct Run {
  TrainConfig config;  // with learners resolved
  collectives::Communicator& comm;
  exchange::LocalLearners local;

  std::unique_ptr<tensor::Operations> device;  // null: the host's processor
  std::unique_ptr<DeviceArrays> on_device;     // what follows below, in its memory; null as `device`
  std::unique_ptr<models::Model> model;
  std::unique_ptr<data::Dataset> dataset;
  std::unique_ptr<data::Loader> loader;
  std::unique_ptr<Translator> translator;  // of a data set of translations
  std::unique_ptr<RunSpans> spans;         // null where no timeline is wanted
  std::uint64_t steps_per_epoch = 0;
  std::uint64_t total_steps = 0;

  // In the host's memory. Where there is a device, values and statistics are copies, as fetch_values() and
  // fetch_statistics() found them; gradients and mean are there if the host exchanges them.
  AlignedVector<float> values;                                // parameters; the same on every rank
  std::vector<AlignedVector<float>> gradients;                // one arena for each local learner
  std::vector<AlignedVector<float>> statistics;               // the model's, one arena for each local learner
  AlignedVector<float> mean;                                  // gradient after the exchange
  std::vector<bucket::GradientBucket> buckets;                // see plan_buckets() below
  std::unique_ptr<exchange::GradientExchange> exchange;       // null where the device exchanges
  std::unique_ptr<exchange::BucketExchange> bucket_exchange;  // of `buckets`, through `exchange`
  std::unique_ptr<StepExchange> step_exchange;
  std::unique_ptr<optim::Optimizer> optimizer;
  optim::Schedule schedule;

  // What a pass of one of this rank's learners works on.
  [[nodiscard]] models::PassArenas arenas(std::uint32_t local_learner) {
    if (on_device) return on_device->arenas(local_learner);
    return {.values = values, .gradients = gradients[local_learner], .statistics = statistics[local_learner]};
  }

  // What does the arithmetic of model and optimizer, and what they work on, in its memory.
  [[nodiscard]] tensor::Operations& operations() const { return device ? *device : tensor::cpu_operations(); }
  [[nodiscard]] std::span<float> working_values() { return on_device ? on_device->values() : values; }
  [[nodiscard]] std::span<float> working_mean() { return on_device ? on_device->mean() : mean; }

  // Bring the host's copies up to date. Nothing to do where there is no device.
  void fetch_values() {
    if (on_device) on_device->fetch_values(values);
  }
  void fetch_statistics() {
    if (on_device) on_device->fetch_statistics(statistics);
  }

  // Whichever exchange this run has.
  [[nodiscard]] exchange::LayerExchange& layers() const { return step_exchange->layers(); }

  // What the training thread does from now on, in the timeline.
  [[nodiscard]] Span span(const char* name, std::uint64_t step) const {
    return Span(spans ? &spans->training : nullptr, name, step);
  }
};

// Whether buckets are exchanged while backward goes on.
[[nodiscard]] bool is_overlapped(const Run& run);

// Cuts the gradient into buckets, between two steps. The same on every rank, or steps will not meet.
void plan_buckets(Run& run, std::size_t bucket_bytes);

// Builds a run on this rank; touches no other rank and writes nothing. Throws ConfigError.
//   device  cpu or cuda, as the ranks have agreed on it (device_choice.h)
[[nodiscard]] Run make_run(const TrainConfig& config, collectives::Communicator& comm,
                           const std::string& device = "cpu");

// Measures one step, and turns what it saw into the step's record.
class StepMeter {
 public:
  StepMeter(const Run& run, std::uint64_t step);

  // A part of the step, in the timeline.
  [[nodiscard]] Span span(const char* name) const { return run_.span(name, step_); }

  void compute_begins() { compute_clock_.restart(); }
  void compute_ends() { compute_seconds += compute_clock_.seconds(); }

  // Collective: the learners' losses are gathered, so that every rank has the mean over all of them. Throws
  // AgreedDivergedError if a learner's loss is not finite.
  [[nodiscard]] record::StepRecord record(float learning_rate, const Stopwatch& step_clock);

  std::vector<models::BatchScore> scores;  // of local learners
  exchange::ExchangeRecord traffic;
  double compute_seconds = 0.0;

 private:
  const Run& run_;
  std::uint64_t step_;
  Span whole_step_;
  collectives::Traffic before_;
  Stopwatch compute_clock_;
};

// Adds up the scores of all learners, in learner order. Collective. Throws AgreedDivergedError if a
// learner's loss is not finite; `where` begins its message ("step 7, ").
[[nodiscard]] models::BatchScore sum_over_learners(collectives::Communicator& comm,
                                                   std::span<const models::BatchScore> local,
                                                   std::string_view where);

// What a run leaves in memory; files are in config.log_dir.
struct RunResult {
  std::vector<record::EpochRecord> epochs;  // one for each evaluation
  std::string parameter_hash;
};

// Trains. Collective. Logs, if config says so, and progress are rank 0's. Throws ConfigError, DivergedError,
// WireError, CommError.
RunResult train(const TrainConfig& config, collectives::Communicator& comm);

// The mean over learners of what the model tracks beside its parameters; empty where it tracks nothing.
// Collective.
[[nodiscard]] AlignedVector<float> mean_statistics(Run& run);

// Loss and correct answers over the test data, with the mean of all learners' statistics; the same bits at
// any number of ranks, if sums are in tree order. Collective.
[[nodiscard]] models::BatchScore evaluate(Run& run, std::uint64_t steps_done);

// Fills in what an evaluation measured: loss and accuracy; of a model with ten classes or more, top-5
// accuracy; of one whose inputs are symbols, perplexity, bits per symbol and token accuracy.
void set_test_measures(const models::BatchScore& test, const data::SampleShape& sample,
                       record::EpochRecord& record);

// A 64-bit hash of all parameters, as 16 hexadecimal digits. Padding between parameters is left out.
[[nodiscard]] std::string parameter_hash(const tensor::ParameterTable& table, std::span<const float> values);

// Throws CommError, which names the odd ranks, if the ranks' hashes differ. Collective.
void require_equal_replicas(collectives::Communicator& comm, const std::string& hash, std::uint64_t step);

// Throws AgreedConfigError, which names the rank, if the ranks do not start from the same weights: their
// files of --init-weights differ. Collective.
void require_equal_start(Run& run);

// Throws AgreedConfigError, which names the rank, if the ranks' data sets do not have the same symbols for
// the same text. Collective.
void require_equal_vocabulary(Run& run);

// What the ranks' data sets must have alike, as text: numbers of samples, and a hash of the training samples'
// labels and of the contents of 64 samples of each split, from first to last. Throws ConfigError as
// Dataset::read() does.
[[nodiscard]] std::string describe_data(const data::Dataset& dataset);

// Throws AgreedConfigError, which names the rank, if the ranks' descriptions of their data differ.
// Collective.
void require_equal_data(Run& run, const std::string& description);

}  // namespace sterna
