// The timeline of a run, of --timeline: what the threads of every rank did when, by one clock, in one file.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/collectives/clock_offset.h"
#include "runtime/core/spans.h"
#include "runtime/record/timeline_file.h"

namespace sterna {

// A thread's spans beyond these are dropped: 32 MiB of memory, taken up as it fills, and some 30 MB of the
// file. A step of one learner has 16 spans of LeNet's training thread, and 51 of ResNet-20's: so about 16,000
// steps and 5,000.
inline constexpr std::size_t kMostSpansOfAThread = 1u << 18;

// Where a rank's threads leave their spans.
struct RunSpans {
  explicit RunSpans(std::size_t most_spans_of_a_thread)
      : training(most_spans_of_a_thread), exchange(most_spans_of_a_thread) {}

  SpanLog training;
  SpanLog exchange;
};

class Timeline {
 public:
  // Compares the clocks, as write() does again. Collective. Communicator and spans must outlive it.
  //   hosts  by rank
  //   file   on rank 0; null on all others
  Timeline(collectives::Communicator& comm, const RunSpans& spans, std::vector<std::string> hosts,
           std::unique_ptr<record::TimelineFile> file);

  // Brings all ranks' spans to rank 0, which writes the file; once, when no thread is at work. Returns what
  // is to be said of spans that were dropped. Collective. Throws ConfigError, on rank 0 alone and when the
  // others have done their part, where the file system refuses.
  [[nodiscard]] std::optional<std::string> write();

 private:
  collectives::Communicator& comm_;
  const RunSpans& spans_;
  std::vector<std::string> hosts_;
  std::unique_ptr<record::TimelineFile> file_;
  collectives::ClockOffset at_start_;
};

}  // namespace sterna
