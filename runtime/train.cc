// The loop around train_step(): logs, evaluations, the comparison of replicas.
#include <filesystem>
#include <functional>
#include <new>
#include <optional>

#include "runtime/bucket_choice.h"
#include "runtime/collectives/agreement.h"
#include "runtime/collectives/collectives.h"
#include "runtime/collectives/hosts.h"
#include "runtime/compressor_choice.h"
#include "runtime/core/errors.h"
#include "runtime/data/translations.h"
#include "runtime/device_choice.h"
#include "runtime/gradient_files.h"
#include "runtime/job.h"
#include "runtime/recorder.h"
#include "runtime/run.h"
#include "runtime/step_diagnosis.h"
#include "runtime/timeline.h"
#include "runtime/train_step.h"
#include "runtime/translation.h"
#include "runtime/weight_files.h"

namespace sterna {
namespace {

// What has gone on since the last evaluation.
struct Interval {
  explicit Interval(const collectives::Communicator& comm) : bytes_sent_before(comm.traffic().bytes_sent) {}

  void add(const record::StepRecord& r) {
    loss += r.loss;
    accuracy += r.accuracy;
    ++steps;
  }

  double loss = 0.0;
  double accuracy = 0.0;
  std::uint64_t steps = 0;
  std::uint64_t bytes_sent_before;
  Stopwatch clock;
};

record::EpochRecord close_interval(Run& run, const Interval& interval, std::uint64_t steps_done,
                                   Recorder& recorder) {
  const Span span = run.span("evaluation", steps_done);
  run.fetch_values();
  const models::BatchScore test = evaluate(run, steps_done);
  const std::string hash = parameter_hash(run.model->parameters(), run.values);
  require_equal_replicas(run.comm, hash, steps_done - 1);

  record::EpochRecord r;
  r.epoch = steps_done / run.steps_per_epoch;
  r.step = steps_done;
  r.train_loss = interval.loss / static_cast<double>(interval.steps);
  r.train_accuracy = interval.accuracy / static_cast<double>(interval.steps);
  set_test_measures(test, run.model->sample_shape(), r);
  if (run.translator) {
    const std::vector<std::string> translated = run.translator->translate(run.comm, run.values);
    r.test_bleu = bleu_of(translated, *run.dataset->translations());
    recorder.text("translations.txt", joined(translated, "\n") + '\n');
  }
  r.epoch_seconds = interval.clock.seconds();
  r.wire_bytes_sent = run.comm.traffic().bytes_sent - interval.bytes_sent_before;
  r.parameter_hash = hash;
  return r;
}

// What each rank has sent and received since the run began. Collective.
std::vector<record::RankRecord> rank_records(Run& run, const std::vector<std::string>& hosts,
                                             const record::EpochRecord& epoch) {
  const collectives::Traffic mine = run.comm.traffic();  // a copy: the counters go on
  const std::vector<collectives::Traffic> all = collectives::all_gather_value(run.comm, mine);
  std::vector<record::RankRecord> records;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    records.push_back({.epoch = epoch.epoch,
                       .step = epoch.step,
                       .rank = rank,
                       .host = hosts[rank],
                       .wire_bytes_sent = all[rank].bytes_sent,
                       .wire_bytes_received = all[rank].bytes_received,
                       .network_bytes_sent = all[rank].network_bytes_sent,
                       .network_bytes_received = all[rank].network_bytes_received});
  }
  return records;
}

// Does what this rank may find impossible; such an error becomes every rank's. Collective.
void attempt(collectives::Communicator& comm, const std::function<void()>& work) {
  std::string error;
  try {
    work();
  } catch (const ConfigError& problem) {
    error = problem.what();
  } catch (const std::filesystem::filesystem_error& problem) {
    error = cat("[files] ", problem.what());
  } catch (const std::bad_alloc&) {
    error =
        "[train] memory: not enough for this model, batch and number of learners a rank; try a smaller "
        "--batch";
  }
  agree(comm, error);
}

struct Start {
  std::unique_ptr<Run> run;
  std::vector<std::string> hosts;                       // by rank
  std::unique_ptr<record::SafetensorsWriter> weights;   // rank 0, where they are to be saved
  std::unique_ptr<record::TimelineFile> timeline_file;  // rank 0, until `timeline` has it
  std::unique_ptr<Timeline> timeline;                   // where one is wanted
  std::unique_ptr<GradientFiles> gradient_files;
  std::unique_ptr<CompressorChoice> compressor_choice;
  std::unique_ptr<StepDiagnosis> diagnosis;
  std::unique_ptr<Recorder> recorder;
};

// Files are touched when all else stands, and the logs of an earlier run last of all.
Start start(const TrainConfig& config, collectives::Communicator& comm, const std::string& device) {
  Start started;
  attempt(comm, [&] { started.run = std::make_unique<Run>(make_run(config, comm, device)); });
  if (!config.init_weights.empty()) require_equal_start(*started.run);
  require_equal_vocabulary(*started.run);
  std::string data;
  attempt(comm, [&] {
    if (comm.ranks() > 1) data = describe_data(*started.run->dataset);
  });
  require_equal_data(*started.run, data);
  attempt(comm, [&] {
    if (config.save_weights.empty() || comm.rank() != 0) return;
    started.weights = std::make_unique<record::SafetensorsWriter>(config.save_weights);
  });
  attempt(comm, [&] {
    if (config.timeline.empty() || comm.rank() != 0) return;
    started.timeline_file = std::make_unique<record::TimelineFile>(config.timeline, config.overwrite);
  });
  attempt(comm, [&] {
    if (config.record_gradients.empty()) return;
    started.gradient_files =
        std::make_unique<GradientFiles>(config.record_gradients, config.overwrite,
                                        started.run->model->parameters(), started.run->config.learners, comm);
  });
  std::string choices;
  attempt(comm, [&] {
    if (!config.auto_choices.empty() && comm.rank() == 0) choices = read_choices(config.auto_choices);
  });
  choices = collectives::all_gather_text(comm, choices).front();  // every rank goes by those of rank 0
  attempt(comm, [&] {
    PlannedMethods planned;
    if (!config.auto_choices.empty()) {
      planned = parse_choices(choices, config.auto_compressor, started.run->model->parameters().size());
    }
    started.compressor_choice = std::make_unique<CompressorChoice>(*started.run, std::move(planned));
  });
  attempt(comm, [&] { started.diagnosis = std::make_unique<StepDiagnosis>(*started.run); });
  attempt(comm, [&] {
    started.recorder = std::make_unique<Recorder>(config, started.run->total_steps, comm.rank() == 0);
  });
  return started;
}

// Each step, and what follows on some of them.
void run_steps(const TrainConfig& config, const Start& started, RunResult& result) {
  Run& run = *started.run;
  const std::uint64_t every = config.eval_every > 0 ? config.eval_every : run.steps_per_epoch;
  Interval interval(run.comm);
  CompressorChoice& compressor_choice = *started.compressor_choice;
  BucketChoice bucket_choice(run);
  if (const auto change = compressor_choice.begin()) started.recorder->choice(*change);
  for (std::uint64_t step = 0; step < run.total_steps; ++step) {
    if (step > 0 && step == config.drop_residues_at) run.exchange->empty_residues();
    started.diagnosis->before_step(step);
    const record::StepRecord record = train_step(run, step);
    started.recorder->diagnostics(started.diagnosis->after_step(step));
    if (config.error_feedback == "off") run.exchange->empty_residues();
    started.recorder->step(run, record);
    if (const auto change = compressor_choice.after_step(record)) {
      started.recorder->choice(*change);
      bucket_choice.restart(step);
    } else if (compressor_choice.is_settled()) {
      if (const auto chosen = bucket_choice.after_step(record)) started.recorder->note(*chosen);
    }
    if (started.gradient_files) started.gradient_files->append(run.gradients);
    interval.add(record);
    const std::uint64_t done = step + 1;
    if (done % every == 0 || done == run.total_steps) {
      result.epochs.push_back(close_interval(run, interval, done, *started.recorder));
      started.recorder->epoch(result.epochs.back(), rank_records(run, started.hosts, result.epochs.back()));
      interval = Interval(run.comm);
    } else if (done % run.steps_per_epoch == 0) {
      run.fetch_values();
      require_equal_replicas(run.comm, parameter_hash(run.model->parameters(), run.values), step);
    }
  }
}

// Parameters, and the mean of the learners' statistics, as an evaluation sees them. Collective.
void save_weights(const Start& started) {
  Run& run = *started.run;
  if (run.config.save_weights.empty()) return;
  const AlignedVector<float> statistics = mean_statistics(run);
  attempt(run.comm, [&] {
    if (started.weights) write_weights(*started.weights, *run.model, run.values, statistics);
  });
}

// All ranks' spans. Collective.
void write_timeline(const Start& started) {
  if (!started.timeline) return;
  std::optional<std::string> note;
  attempt(started.run->comm, [&] { note = started.timeline->write(); });
  if (note) started.recorder->note(*note);
}

// Writes what one wants to look at when training has diverged. Gradients that are not finite are found by one
// rank alone, while others wait for its bytes: then there is nobody to gather a timeline from.
void keep_what_led_to(const DivergedError& error, const Start& started) {
  if (started.gradient_files) started.gradient_files->finish();
  const bool is_agreed = dynamic_cast<const AgreedDivergedError*>(&error) != nullptr;
  if (is_agreed || started.run->comm.ranks() == 1) write_timeline(started);
}

}  // namespace

RunResult train(const TrainConfig& config, collectives::Communicator& comm) {
  std::vector<std::string> hosts = collectives::learn_hosts(comm);
  require_equal_settings(collectives::all_gather_text(comm, describe_for_comparison(config)));
  Start started = start(config, comm, agree_on_device(config, comm));
  Run& run = *started.run;
  started.hosts = std::move(hosts);
  started.recorder->begin(run, started.hosts);
  if (run.spans) {
    started.timeline =
        std::make_unique<Timeline>(comm, *run.spans, started.hosts, std::move(started.timeline_file));
  }
  if (run.translator) {
    started.recorder->text("vocabulary.txt", data::to_text(run.dataset->translations()->vocabulary()));
  }

  RunResult result;
  try {
    run_steps(config, started, result);
  } catch (const DivergedError& error) {
    keep_what_led_to(error, started);
    throw DivergedError(cat(error.what(), "; try a smaller --lr, or --warmup-steps"));
  }
  if (started.gradient_files) started.gradient_files->finish();
  save_weights(started);
  write_timeline(started);
  result.parameter_hash = result.epochs.back().parameter_hash;
  return result;
}

}  // namespace sterna
