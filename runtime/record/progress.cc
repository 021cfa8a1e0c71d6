#include "runtime/record/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <iostream>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

constexpr double kRenewSeconds = 0.2;
constexpr double kPlainSeconds = 10.0;

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  char text[256];
  const int written = std::snprintf(text, sizeof text, format, values...);
  STERNA_CHECK(written >= 0);
  return text;
}

std::string duration(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole >= 3600) return formatted("%ldh%02ldm", whole / 3600, whole / 60 % 60);
  return formatted("%ldm%02lds", whole / 60, whole % 60);
}

bool is_terminal(const std::ostream& out) {
  return &out == &std::cerr && ::isatty(STDERR_FILENO) == 1;
}

}  // namespace

ProgressMode progress_mode(std::string_view name) {
  if (name == "auto") return ProgressMode::kAuto;
  if (name == "on") return ProgressMode::kOn;
  if (name == "off") return ProgressMode::kOff;
  throw ConfigError(cat("[record] progress = \"", name, "\": must be auto, on or off"));
}

Progress::Progress(std::ostream& out, ProgressMode mode, std::uint64_t total_steps)
    : out_(out),
      mode_(mode),
      renews_(mode == ProgressMode::kOn || (mode == ProgressMode::kAuto && is_terminal(out))),
      total_steps_(total_steps),
      next_seconds_(renews_ ? 0.0 : kPlainSeconds) {}

std::string Progress::step_line(const StepRecord& record) const {
  const double seconds = since_start_.seconds();
  const auto done = static_cast<double>(record.step + 1 - first_step_);
  const double left = seconds / done * static_cast<double>(total_steps_ - record.step - 1);
  const double samples_per_second =
      static_cast<double>(record.samples) / static_cast<double>(record.step + 1) * done / seconds;
  return formatted("step %llu/%llu  loss %.4f  accuracy %.3f  %.0f samples/s  rate %.1fx  %.2f MB/s  %s left",
                   static_cast<unsigned long long>(record.step + 1),
                   static_cast<unsigned long long>(total_steps_), record.loss, record.accuracy,
                   samples_per_second, record.compression_rate, record.bandwidth_bytes_per_second * 1e-6,
                   duration(left).c_str());
}

void Progress::step(const StepRecord& record) {
  if (!has_started_) first_step_ = record.step;
  has_started_ = true;
  if (mode_ == ProgressMode::kOff || since_start_.seconds() < next_seconds_) return;
  next_seconds_ = since_start_.seconds() + (renews_ ? kRenewSeconds : kPlainSeconds);

  std::string line = step_line(record);
  if (!renews_) {
    out_ << line << std::endl;
    return;
  }
  const std::size_t characters = line.size();
  if (characters < shown_characters_) line.append(shown_characters_ - characters, ' ');
  shown_characters_ = characters;
  out_ << '\r' << line << std::flush;
}

void Progress::clear_renewing_line() {
  if (renews_ && shown_characters_ > 0) out_ << '\r' << std::string(shown_characters_, ' ') << '\r';
  shown_characters_ = 0;
}

void Progress::note(const std::string& line) {
  if (mode_ == ProgressMode::kOff) return;
  clear_renewing_line();
  out_ << line << std::endl;
}

void Progress::epoch(const EpochRecord& record) {
  clear_renewing_line();
  std::string line =
      formatted("epoch %llu, step %llu  train loss %.4f accuracy %.4f  test loss %.4f accuracy %.4f",
                static_cast<unsigned long long>(record.epoch), static_cast<unsigned long long>(record.step),
                record.train_loss, record.train_accuracy, record.test_loss, record.test_accuracy);
  if (record.test_top5_accuracy) line += formatted(" top-5 %.4f", *record.test_top5_accuracy);
  if (record.test_bits_per_symbol) line += formatted("  %.3f bits/symbol", *record.test_bits_per_symbol);
  if (record.perplexity) line += formatted("  perplexity %.2f", *record.perplexity);
  if (record.test_bleu) line += formatted("  BLEU %.2f", *record.test_bleu);
  line += formatted("  %.1f s", record.epoch_seconds);
  line += record.wire_bytes_sent == 0
              ? "  nothing sent: one rank"
              : formatted("  sent %.2f MB", static_cast<double>(record.wire_bytes_sent) * 1e-6);
  line += "  hash " + record.parameter_hash;
  out_ << line << std::endl;
}

}  // namespace sterna::record
