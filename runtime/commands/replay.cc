// Runs a compressor over recorded gradients, through the exchange that training uses.
#include <filesystem>
#include <set>

#include "runtime/collectives/agreement.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/command_line.h"
#include "runtime/commands/codec_settings.h"
#include "runtime/commands/commands.h"
#include "runtime/exchange/exchange.h"
#include "runtime/record/npy.h"

namespace sterna::commands {
namespace {

struct Settings : CodecSettings {
  std::string gather = "all";
  std::string gradients;
  std::string mean;
  std::string residue;
  std::string bytes;
};

// [T, L, n] of the recorded gradients.
struct Extents {
  std::size_t steps;
  std::uint32_t learners;
  std::size_t elements;
};

Extents extents_of(const record::NpyArray<float>& gradients, const std::string& path) {
  const std::vector<std::size_t>& shape = gradients.shape;
  const bool is_legal =
      shape.size() == 3 && shape[0] >= 1 && shape[1] >= 1 && shape[1] <= 65536 && shape[2] >= 1;
  if (!is_legal) {
    throw ConfigError(
        cat("[replay] gradients = ", path, ": has shape (", joined(shape, ", "),
            "): must be [T, L, n], steps (1 or more), learners (1 to 65536) and elements of one layer"));
  }
  return {.steps = shape[0], .learners = static_cast<std::uint32_t>(shape[1]), .elements = shape[2]};
}

// One layer of the wanted kind, n elements long.
tensor::ParameterTable one_layer(const Settings& settings, std::size_t elements) {
  const bool is_convolution = layer_kind(settings) == compressors::LayerKind::kConvolution;
  tensor::ParameterTable table;
  table.add(
      {.name = "layer",
       .shape = {elements},
       .kind = is_convolution ? tensor::ParameterKind::kConvolution : tensor::ParameterKind::kFullyConnected,
       .initial_bound = 0.0});
  return table;
}

// The files that were asked for; none appears before all are written.
struct Outputs {
  Outputs(const Settings& settings, const Extents& extents)
      : mean(writer(settings.mean, record::NpyType::kFloat32, extents.elements)),
        residue(writer(settings.residue, record::NpyType::kFloat32, extents.elements)),
        bytes(writer(settings.bytes, record::NpyType::kInt64, extents.learners)) {}

  void finish() {
    for (const auto& file : {mean.get(), residue.get(), bytes.get()}) {
      if (file) file->finish();
    }
  }

  static std::unique_ptr<record::NpyWriter> writer(const std::string& path, record::NpyType type,
                                                   std::size_t elements) {
    if (path.empty()) return nullptr;
    return std::make_unique<record::NpyWriter>(path, type, std::vector<std::size_t>{elements});
  }

  std::unique_ptr<record::NpyWriter> mean, residue, bytes;
};

void write_residues(const exchange::GradientExchange& exchange, const Extents& extents,
                    record::NpyWriter& file) {
  const std::vector<float> zeros(extents.elements, 0.0f);  // of a method that holds nothing back
  for (std::uint32_t learner = 0; learner < extents.learners; ++learner) {
    const std::span<const float> residue = exchange.residue(learner);
    file.append(residue.empty() ? std::span<const float>(zeros) : residue.first(extents.elements));
  }
}

void require_distinct_files(const Settings& settings) {
  std::set<std::filesystem::path> paths = {std::filesystem::weakly_canonical(settings.gradients)};
  std::size_t given = 1;
  for (const std::string& path : {settings.mean, settings.residue, settings.bytes}) {
    if (path.empty()) continue;
    paths.insert(std::filesystem::weakly_canonical(path));
    ++given;
  }
  if (given == 1) throw ConfigError("[replay] no output is asked for: give --mean, --residue or --bytes");
  if (paths.size() != given) {
    throw ConfigError(
        "[replay] gradients, mean, residue and bytes: must be different files; two of them are the same");
  }
}

void run(const Settings& settings) {
  require_distinct_files(settings);
  const record::NpyArray<float> recorded = record::read_npy_float32(settings.gradients);
  const Extents extents = extents_of(recorded, settings.gradients);
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  const tensor::ParameterTable table = one_layer(settings, extents.elements);
  exchange::GradientExchange exchange(*comm, table,
                                      {.compressor = settings.compressor,
                                       .settings = compressor_options(settings, settings.seed),
                                       .dense_layers = "",
                                       .learners = extents.learners,
                                       .gather = gather_named(settings.gather)});
  const bucket::GradientBucket bucket = bucket::plan_buckets(table, /*bucket_bytes=*/1).front();
  Outputs outputs(settings, extents);

  std::vector<AlignedVector<float>> gradients(extents.learners,
                                              AlignedVector<float>(table.arena_elements(), 0.0f));
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  const float* at = recorded.values.data();
  for (std::size_t step = 0; step < extents.steps; ++step) {
    for (AlignedVector<float>& gradient : gradients) {
      std::copy_n(at, extents.elements, gradient.begin());
      at += extents.elements;
    }
    exchange.reduce_to_mean(bucket, step, gradients, mean);
    if (outputs.mean) outputs.mean->append(std::span<const float>(mean).first(extents.elements));
    const std::vector<std::size_t>& payload_bytes = exchange.traffic(0).payload_bytes;
    const std::vector<std::int64_t> bytes(payload_bytes.begin(), payload_bytes.end());
    if (outputs.bytes) outputs.bytes->append(std::span<const std::int64_t>(bytes));
  }
  if (outputs.residue) write_residues(exchange, extents, *outputs.residue);
  outputs.finish();
}

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "Runs a compressor over recorded gradients of one layer, through the exchange that training uses. "
      "Steps count "
      "from 0; results do not depend on the number of ranks that training would have had.",
      "sterna replay");
  add_codec_flags(*app, settings);
  add_flag_for(*app, "gather", settings.gather,
               "adacomp, dryden, ls, strom, topk: all or sparse-sum, as in training");
  app->add_option("--gradients", settings.gradients, "in: NPY, float32 [T, L, n]")->required();
  app->add_option("--mean", settings.mean, "out: NPY, float32 [T, n], what the optimizer would get");
  app->add_option("--residue", settings.residue, "out: NPY, float32 [L, n], memory after the last step");
  app->add_option("--bytes", settings.bytes, "out: NPY, int64 [T, L], payload bytes of each learner");
  return app;
}

}  // namespace

void describe_replay(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int replay(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  if (job.comm().ranks() > 1) {
    agree(job.comm(), "[replay] ranks: replay is one process and needs no others; run it without mpirun");
  }
  run(settings);
  return 0;
}

}  // namespace sterna::commands
