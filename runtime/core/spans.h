// What a thread does when: spans of time with a name, kept in memory until a timeline is written of them.
//
// Where no timeline is wanted there is no log, and a Span without a log is one branch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/core/clock.h"

namespace sterna {

// What a viewer shows beside a span. Text ends in NUL and outlives the log.
struct SpanArgument {
  const char* key = nullptr;  // null: no argument
  std::uint64_t number = 0;
  const char* text = nullptr;  // in the number's place, where it is not null
};

struct SpanRecord {
  const char* name;    // as text above
  std::uint64_t step;  // optimizer steps before it
  Interval time{};
  std::array<SpanArgument, 4> arguments{};
};

// The spans of one thread, in the order in which they ended. Only one thread at a time may use it: another
// one reads it when the first has been waited for.
class SpanLog {
 public:
  // Takes the memory of so many spans, 128 bytes each; those that come after are counted and dropped.
  explicit SpanLog(std::size_t most_spans) : most_spans_(most_spans) { spans_.reserve(most_spans); }

  void add(const SpanRecord& record) noexcept {
    if (spans_.size() < most_spans_) {
      spans_.push_back(record);
    } else {
      ++dropped_spans_;
    }
  }

  [[nodiscard]] std::span<const SpanRecord> spans() const { return spans_; }
  [[nodiscard]] std::size_t most_spans() const { return most_spans_; }
  [[nodiscard]] std::uint64_t dropped_spans() const { return dropped_spans_; }

 private:
  std::size_t most_spans_;
  std::vector<SpanRecord> spans_;
  std::uint64_t dropped_spans_ = 0;
};

// Lasts from its construction until end(), or until it is destroyed, and is in the log then.
class Span {
 public:
  //   log       or null: nothing is done
  //   argument  the first of at most four; set() adds the others
  Span(SpanLog* log, const char* name, std::uint64_t step, const SpanArgument& argument = {}) : log_(log) {
    if (log_ == nullptr) return;
    record_.emplace(SpanRecord{.name = name, .step = step});
    if (argument.key != nullptr) add_argument(argument);
    record_->time.begin = std::chrono::steady_clock::now();
  }
  ~Span() { end(); }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  void set(const char* key, std::uint64_t number) { add_argument({.key = key, .number = number}); }
  void set(const char* key, const char* text) { add_argument({.key = key, .text = text}); }

  void end() {
    if (!record_) return;
    record_->time.end = std::chrono::steady_clock::now();
    log_->add(*record_);
    record_.reset();
  }

 private:
  void add_argument(const SpanArgument& argument) {
    if (record_) record_->arguments.at(arguments_++) = argument;
  }

  SpanLog* log_;
  std::optional<SpanRecord> record_;  // none: no log, or ended
  std::size_t arguments_ = 0;
};

}  // namespace sterna
