// A timeline: a JSON file in Chrome's trace event format, which ui.perfetto.dev and chrome://tracing show.
//
//   file   := {"displayTimeUnit": "ms", "otherData": {"clock": TEXT, "ranks": [RANK...]},
//              "traceEvents": [name... span...]}
//   RANK   := {"rank", "host", "clock_offset_at_start_us", "clock_error_bound_at_start_us",
//              "clock_offset_at_end_us", "clock_error_bound_at_end_us", "spans", "dropped_spans"}
//   name   := {"ph": "M", ...}     of a process, which is a rank, and of its threads
//   span   := {"name", "ph": "X", "pid": rank, "tid": thread, "ts": begin, "dur": duration,
//              "args": {"step", ...}}      microseconds of rank 0's clock, three decimals
//
// Source: "Trace Event Format", Google, 2016.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/spans.h"
#include "runtime/record/append_file.h"

namespace sterna::record {

// What the file says of a rank beside its spans.
struct TimelineRank {
  std::string host;
  std::chrono::nanoseconds offset_at_start{};  // the rank's clock minus rank 0's
  std::chrono::nanoseconds error_bound_at_start{};
  std::chrono::nanoseconds offset_at_end{};
  std::chrono::nanoseconds error_bound_at_end{};
  std::uint64_t spans = 0;
  std::uint64_t dropped_spans = 0;  // for lack of memory
};

enum class TimelineThread { kTraining = 0, kExchange = 1 };

// Where spans stand in the picture.
struct TimelineRow {
  int rank;
  TimelineThread thread;
};

// Returns the spans as TimelineFile::append takes them.
//   aligned  turns a rank's time into one since the timeline's origin, on rank 0's clock
[[nodiscard]] std::string to_trace_events(std::span<const SpanRecord> spans, const TimelineRow& row,
                                          const std::function<std::chrono::nanoseconds(TimePoint)>& aligned);

// Its file is there either whole or not at all: see WholeFile.
class TimelineFile {
 public:
  // Throws ConfigError where the file system refuses, and where there is such a file or directory.
  //   overwrite  a file of that name is replaced
  TimelineFile(std::filesystem::path path, bool overwrite);

  // First begin(), then append() any number of times, then finish(). Each throws ConfigError where the file
  // system refuses.
  void begin(std::span<const TimelineRank> ranks);
  void append(std::string_view trace_events);
  void finish();

 private:
  WholeFile file_;
};

}  // namespace sterna::record
