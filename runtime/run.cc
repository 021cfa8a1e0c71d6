#include "runtime/run.h"

#include <omp.h>

#include "runtime/core/errors.h"
#include "runtime/device_choice.h"
#include "runtime/weight_files.h"

namespace sterna {
namespace {

// The learners of a run whose config leaves them open are the ranks.
TrainConfig resolved(TrainConfig config, int ranks) {
  if (config.learners == 0) config.learners = static_cast<std::uint32_t>(ranks);
  return config;
}

optim::OptimizerOptions optimizer_options(const TrainConfig& config) {
  return {.momentum = static_cast<float>(config.momentum),
          .weight_decay = static_cast<float>(config.weight_decay)};
}

exchange::ExchangeOptions exchange_options(const TrainConfig& config) {
  return {.compressor = config.compressor == kAutoCompressor ? config.auto_compressor : config.compressor,
          .settings = compressor_options(config, config.seed),
          .layer_rates = config.layer_rates,
          .dense_layers = config.dense_layers,
          .learners = config.learners,
          .sum_in_any_order = config.sum_order == "any",
          .is_leader_first = config.leader == "first",
          .gather = gather_named(config.gather),
          .hierarchy = hierarchy_named(config.hierarchy)};
}

// What empties residues wants some, and a step at which to do so.
void require_residues(const Run& run) {
  const TrainConfig& config = run.config;
  const bool is_once = config.drop_residues_at > 0;
  if (!is_once && config.error_feedback == "on") return;
  const std::string setting =
      is_once ? cat("drop-residues-at = ", config.drop_residues_at) : "error-feedback = off";
  if (!run.exchange || run.exchange->residue(0).empty()) {
    throw ConfigError(cat("[train] ", setting, " with compressor = ", config.compressor, ": must be ",
                          is_once ? "0" : "on", ", as nothing is held back here; try --compressor topk"));
  }
  if (is_once && config.drop_residues_at >= run.total_steps) {
    throw ConfigError(cat("[train] ", setting, ": must be below the run's ", run.total_steps,
                          " steps; try --drop-residues-at ", run.total_steps / 2));
  }
}

// Compression that is to begin later must begin within the run.
void require_compressed_steps(const Run& run) {
  const TrainConfig& config = run.config;
  const std::uint64_t epochs = config.compress_after_epochs;
  if (epochs == 0 || config.compressor == "none") return;
  if (epochs <= (run.total_steps - 1) / run.steps_per_epoch) return;
  throw ConfigError(cat("[train] compress-after-epochs = ", epochs, ": must be below the run's ",
                        static_cast<double>(run.total_steps) / static_cast<double>(run.steps_per_epoch),
                        " epochs, or nothing is compressed at all; try --compressor none"));
}

void make_data(Run& run) {
  const TrainConfig& config = run.config;
  run.dataset = data::make_dataset(config.data, {.directory = config.data_dir,
                                                 .wanted = run.model->sample_shape(),
                                                 .seed = config.seed,
                                                 .augment = config.augment,
                                                 .vocabulary = config.vocabulary,
                                                 .vocabulary_size = config.vocabulary_size});
  run.loader = data::make_loader(*run.dataset, {.batch_samples = config.batch,
                                                .learners = config.learners,
                                                .first_learner = run.local.first,
                                                .local_learners = run.local.count,
                                                .seed = config.seed,
                                                .partition = partition_named(config.partition)});
  run.steps_per_epoch = run.loader->steps_per_epoch();
  run.total_steps = config.steps > 0 ? config.steps : config.epochs * run.steps_per_epoch;
}

void make_parameters(Run& run) {
  const tensor::ParameterTable& table = run.model->parameters();
  run.values.assign(table.arena_elements(), 0.0f);
  if (run.exchange) {
    run.mean.assign(table.arena_elements(), 0.0f);
    run.gradients.assign(run.local.count, AlignedVector<float>(table.arena_elements(), 0.0f));
  }
  tensor::initialise(table, run.config.seed, run.values);
  const tensor::ParameterTable& statistics = run.model->statistics();
  run.statistics.assign(run.local.count, AlignedVector<float>(statistics.arena_elements(), 0.0f));
  AlignedVector<float>& first = run.statistics.front();
  tensor::initialise(statistics, run.config.seed, first);
  if (!run.config.init_weights.empty()) read_weights(run.config.init_weights, *run.model, run.values, first);
  for (AlignedVector<float>& learners : run.statistics) learners = first;
  if (!run.device) return;
  run.on_device = std::make_unique<DeviceArrays>(
      *run.device, *run.model, DeviceLearners{.count = run.local.count, .has_gradient_each = !run.exchange});
  run.on_device->load(run.values, run.statistics);
}

// On a device the exchange has made its buckets itself, and looked.
void require_short_messages(const Run& run) {
  if (!run.exchange) return;
  if (std::string why = run.exchange->why_too_long(run.buckets); !why.empty()) throw ConfigError(why);
}

}  // namespace

bool is_overlapped(const Run& run) {
  return run.config.overlap == "on" && run.comm.ranks() > 1 && run.comm.may_change_threads() && !run.device;
}

void plan_buckets(Run& run, std::size_t bucket_bytes) {
  run.bucket_exchange.reset();  // it looks into the old ones
  run.buckets = bucket::plan_buckets(run.model->parameters(), bucket_bytes);
  if (!run.exchange) return;
  const bool has_thread = is_overlapped(run);
  SpanLog* spans = nullptr;
  if (run.spans) spans = has_thread ? &run.spans->exchange : &run.spans->training;
  run.bucket_exchange =
      std::make_unique<exchange::BucketExchange>(run.comm, *run.exchange, run.buckets, has_thread, spans);
}

Run make_run(const TrainConfig& given, collectives::Communicator& comm, const std::string& device) {
  const TrainConfig config = resolved(given, comm.ranks());
  validate(config);
  omp_set_num_threads(config.threads);

  Run run{.config = config,
          .comm = comm,
          .local =
              exchange::place_learners(config.learners, comm.rank(), comm.ranks(), config.sum_order == "any"),
          .device = make_device(device, comm),
          .on_device = nullptr,
          .model = nullptr,
          .dataset = nullptr,
          .loader = nullptr,
          .translator = nullptr,
          .spans = config.timeline.empty() ? nullptr : std::make_unique<RunSpans>(kMostSpansOfAThread),
          .values = {},
          .gradients = {},
          .statistics = {},
          .mean = {},
          .buckets = {},
          .exchange = nullptr,
          .bucket_exchange = nullptr,
          .step_exchange = nullptr,
          .optimizer = nullptr,
          .schedule = optim::Schedule("constant", {})};
  run.model = models::make_model(config.model, config.batch, config.model_arg, run.operations());
  if (run.spans) run.model->record_spans(run.spans->training);
  make_data(run);
  if (run.dataset->translations() != nullptr) {
    run.translator =
        std::make_unique<Translator>(*run.model, *run.dataset,
                                     TranslationOptions{.beam = config.beam,
                                                        .length_exponent = config.length_exponent,
                                                        .learners = config.learners,
                                                        .first_learner = run.local.first,
                                                        .local_learners = run.local.count});
  }
  const tensor::ParameterTable& table = run.model->parameters();
  const std::size_t bucket_bytes = config.bucket_bytes > 0 ? config.bucket_bytes : bucket::kFirstBucketBytes;
  if (exchanges_on_device(run)) {
    run.step_exchange = make_device_step_exchange(run, exchange_options(config), bucket_bytes);
  } else {
    run.exchange = std::make_unique<exchange::GradientExchange>(comm, table, exchange_options(config));
    run.step_exchange = make_host_step_exchange(*run.exchange);
  }
  require_residues(run);
  require_compressed_steps(run);
  make_parameters(run);
  plan_buckets(run, bucket_bytes);
  require_short_messages(run);
  run.optimizer = optim::make_optimizer(config.optimizer, table.arena_elements(), optimizer_options(config),
                                        run.operations());
  run.schedule = optim::Schedule(
      config.schedule,
      {.learning_rate = config.lr, .warmup_steps = config.warmup_steps, .total_steps = run.total_steps});
  return run;
}

}  // namespace sterna
