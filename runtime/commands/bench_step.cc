#include <omp.h>

#include "models/model.h"
#include "runtime/command_line.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/measure.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/data/loader.h"
#include "runtime/optim/optimizer.h"

namespace sterna::commands {
namespace {

struct Settings {
  std::string model = "lenet";
  std::vector<std::string> model_arg;
  std::size_t batch = 64;
  int threads = 1;
  std::size_t steps = 10;
  bool json = false;
};

nlohmann::ordered_json measure(const Settings& settings) {
  const std::unique_ptr<models::Model> model =
      models::make_model(settings.model, settings.batch, settings.model_arg);
  const tensor::ParameterTable& table = model->parameters();
  AlignedVector<float> values(table.arena_elements(), 0.0f);
  AlignedVector<float> gradients(table.arena_elements(), 0.0f);
  AlignedVector<float> statistics(model->statistics().arena_elements(), 0.0f);
  tensor::initialise(table, /*seed=*/1, values);
  tensor::initialise(model->statistics(), /*seed=*/1, statistics);
  const models::PassArenas arenas{.values = values, .gradients = gradients, .statistics = statistics};
  const auto sgd = optim::make_optimizer("sgd", table.arena_elements(), {.momentum = 0.9f});
  const auto dataset =
      data::make_dataset("synthetic", {.directory = {}, .wanted = model->sample_shape(), .seed = 1});
  data::Batch batch;
  data::read_padded(*dataset, data::Split::kTrain, 0, settings.batch, batch);

  std::vector<double> step_seconds, forward_seconds, backward_seconds;
  constexpr std::size_t kWarmUp = 2;
  for (std::size_t step = 0; step < settings.steps + kWarmUp; ++step) {
    const models::PassKey key{.seed = 1, .learner = 0, .step = step};
    const double forward = seconds_of([&] { (void)model->forward(batch, key, arenas); });
    const double both = seconds_of([&] { (void)model->forward_backward(batch, key, arenas, {}); });
    const double update = seconds_of([&] { sgd->apply(gradients, 0.01f, values); });
    if (step < kWarmUp) continue;
    step_seconds.push_back(both + update);
    forward_seconds.push_back(forward);
    backward_seconds.push_back(both - forward);
  }
  const double step = median(step_seconds);
  const double flops = model->training_flops_per_sample() * static_cast<double>(settings.batch);
  return {{"model", settings.model},
          {"batch", settings.batch},
          {"parameters", table.elements()},
          {"threads", settings.threads},
          {"step_seconds", step},
          {"forward_seconds", median(forward_seconds)},
          {"backward_seconds", median(backward_seconds)},
          {"gflops_per_second", flops / step * 1e-9}};
}

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "One training step of a model on made-up data: forward, backward, SGD with momentum. Medians.",
      "sterna bench step");
  add_flag_for(*app, "model", settings.model, "`sterna list` names them all");
  add_flag_for(*app, "model-arg", settings.model_arg, "name=value, a size of the model; may be given again");
  add_number_for(*app, "batch", settings.batch, "samples, at most what made-up data has", 1, 8192);
  add_number_for(*app, "threads", settings.threads, "threads", 1, 1024);
  add_number_for(*app, "steps", settings.steps, "timed steps, after two that are not timed", 5, 1000000);
  add_flag_for(*app, "json", settings.json, "one JSON object on one line");
  return app;
}

}  // namespace

void describe_bench_step(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int bench_step(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  omp_set_num_threads(settings.threads);
  const nlohmann::ordered_json result = measure(settings);
  if (job.rank() == 0) print_result(result, settings.json);
  return 0;
}

}  // namespace sterna::commands
