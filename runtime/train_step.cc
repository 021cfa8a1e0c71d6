// The nine stations of a gradient, in the order in which it passes them. Each station is a folder.
#include "runtime/train_step.h"

#include "runtime/core/clock.h"
#include "runtime/run.h"

namespace sterna {

record::StepRecord train_step(Run& run, std::uint64_t step) {
  const Stopwatch step_clock;
  StepMeter meter(run, step);

  const std::uint64_t epoch = step / run.steps_per_epoch;
  run.layers().set_compression(epoch >= run.config.compress_after_epochs);
  StepExchange& exchange = *run.step_exchange;
  exchange.begin(run, step);  // [3] runtime/bucket
  const models::GradientReady tell_ready = [&](std::size_t parameter) {
    exchange.tell_ready(run, parameter);
  };
  for (std::uint32_t local = 0; local < run.local.count; ++local) {
    const std::uint32_t learner = run.local.first + local;
    const bool is_last = local + 1 == run.local.count;
    Span batch_span = meter.span("batch");
    const data::Batch& batch = run.loader->next();  // [1] runtime/data
    batch_span.end();
    meter.compute_begins();
    meter.scores[local] = run.model->forward_backward(  // [2] models
        batch, {.seed = run.config.seed, .learner = learner, .step = step}, run.arenas(local),
        is_last ? tell_ready : models::GradientReady());
    meter.compute_ends();
    exchange.gradients_are_final(run, local);
  }

  // What was not yet exchanged while backward went on.
  Span finish_span = meter.span("finish exchange");
  meter.traffic = exchange.finish(run);  // [4] compressors  [5] runtime/wire  [6] runtime/collectives
                                         // [7] runtime/exchange
  finish_span.end();

  Span optimizer_span = meter.span("optimizer");
  meter.compute_begins();
  const float learning_rate = run.schedule.learning_rate(step);
  run.optimizer->apply(run.working_mean(), learning_rate, run.working_values());  // [8] runtime/optim
  run.operations().wait();
  meter.compute_ends();
  optimizer_span.end();

  return meter.record(learning_rate, step_clock);  // [9] runtime/record
}

}  // namespace sterna
