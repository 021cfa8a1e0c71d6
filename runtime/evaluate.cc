// What the model is worth on the test data, as rows of epochs.jsonl have it.
#include <cmath>
#include <numbers>

#include "runtime/core/errors.h"
#include "runtime/exchange/mean.h"
#include "runtime/run.h"

namespace sterna {
namespace {

// Of fewer classes, five are half of them or more, and that one of five is right says little.
constexpr std::size_t kFewestClassesOfTop5 = 10;

}  // namespace

void set_test_measures(const models::BatchScore& test, const data::SampleShape& sample,
                       record::EpochRecord& record) {
  const auto labels = static_cast<double>(test.labels);
  record.test_loss = test.loss_sum / labels;
  record.test_accuracy = static_cast<double>(test.correct) / labels;
  if (sample.classes >= kFewestClassesOfTop5) {
    record.test_top5_accuracy = static_cast<double>(test.correct_top5) / labels;
  }
  if (sample.symbols == 0) return;
  record.perplexity = std::exp(record.test_loss);
  record.test_bits_per_symbol = record.test_loss / std::numbers::ln2;
  record.test_token_accuracy = record.test_accuracy;
}

AlignedVector<float> mean_statistics(Run& run) {
  if (run.model->statistics().size() == 0) return {};
  run.fetch_statistics();
  return exchange::mean_over_learners(run.comm, run.statistics, run.config.learners,
                                      run.config.sum_order == "any");
}

models::BatchScore evaluate(Run& run, std::uint64_t steps_done) {
  const std::size_t samples = run.dataset->samples(data::Split::kTest);
  const std::size_t batch_samples = run.config.batch;
  const std::size_t batches = (samples + batch_samples - 1) / batch_samples;
  AlignedVector<float> statistics = mean_statistics(run);
  const models::PassArenas arenas = run.on_device
                                        ? run.on_device->evaluation_arenas(statistics)
                                        : models::PassArenas{.values = run.values, .statistics = statistics};
  std::vector<models::BatchScore> scores(run.local.count);
  data::Batch batch;
  for (std::uint32_t local = 0; local < run.local.count; ++local) {
    for (std::size_t b = run.local.first + local; b < batches; b += run.config.learners) {
      data::read_padded(*run.dataset, data::Split::kTest, b * batch_samples, batch_samples, batch);
      const models::BatchScore score = run.model->evaluate(batch, arenas);
      scores[local].loss_sum += score.loss_sum;
      scores[local].correct += score.correct;
      scores[local].correct_top5 += score.correct_top5;
      scores[local].labels += score.labels;
    }
  }
  return sum_over_learners(run.comm, scores, cat("evaluation after step ", steps_done - 1, ", "));
}

}  // namespace sterna
