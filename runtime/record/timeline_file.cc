#include "runtime/record/timeline_file.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

using std::chrono::nanoseconds;

// Names of hosts and parameters are others' text: bytes that are no UTF-8 must not spoil the file.
std::string quoted(const char* text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

// Exact, which a double of microseconds is not after some days.
std::string microseconds(nanoseconds time) {
  const std::int64_t count = time.count();
  const std::int64_t magnitude = count < 0 ? -count : count;
  std::array<char, 32> text{};
  const int written =
      std::snprintf(text.data(), text.size(), "%s%lld.%03lld", count < 0 ? "-" : "",
                    static_cast<long long>(magnitude / 1000), static_cast<long long>(magnitude % 1000));
  STERNA_CHECK(written > 0);
  return text.data();
}

double as_microseconds(nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

std::string arguments_of(const SpanRecord& span) {
  std::string text = cat("{\"step\":", span.step);
  for (const SpanArgument& argument : span.arguments) {
    if (argument.key == nullptr) break;
    text += cat(',', quoted(argument.key), ':');
    text += argument.text != nullptr ? quoted(argument.text) : std::to_string(argument.number);
  }
  return text + '}';
}

nlohmann::ordered_json metadata(const char* what, const TimelineRow& row, nlohmann::ordered_json arguments) {
  return {{"name", what},
          {"ph", "M"},
          {"pid", row.rank},
          {"tid", static_cast<int>(row.thread)},
          {"args", std::move(arguments)}};
}

// The rows' names, and their order: ranks as they are numbered, training above exchange.
nlohmann::ordered_json names_of(int rank, const std::string& host) {
  const TimelineRow training{rank, TimelineThread::kTraining};
  const TimelineRow exchange{rank, TimelineThread::kExchange};
  return {metadata("process_name", training, {{"name", cat("rank ", rank, " (", host, ")")}}),
          metadata("process_sort_index", training, {{"sort_index", rank}}),
          metadata("thread_name", training, {{"name", "training"}}),
          metadata("thread_sort_index", training, {{"sort_index", 0}}),
          metadata("thread_name", exchange, {{"name", "exchange"}}),
          metadata("thread_sort_index", exchange, {{"sort_index", 1}})};
}

nlohmann::ordered_json description_of(int rank, const TimelineRank& r) {
  return {{"rank", rank},
          {"host", r.host},
          {"clock_offset_at_start_us", as_microseconds(r.offset_at_start)},
          {"clock_error_bound_at_start_us", as_microseconds(r.error_bound_at_start)},
          {"clock_offset_at_end_us", as_microseconds(r.offset_at_end)},
          {"clock_error_bound_at_end_us", as_microseconds(r.error_bound_at_end)},
          {"spans", r.spans},
          {"dropped_spans", r.dropped_spans}};
}

std::filesystem::path checked(std::filesystem::path path, bool overwrite) {
  std::error_code error;
  if (path.filename().empty() || std::filesystem::is_directory(path, error)) {
    throw ConfigError(cat("[record] timeline = ", path.string(), ": is a directory: must be the name of a ",
                          "file; try ", (path / "timeline.json").string()));
  }
  if (!overwrite && std::filesystem::exists(path, error)) {
    throw ConfigError(cat("[record] timeline = ", path.string(), ": is there already; choose another name, ",
                          "or give --overwrite to replace it"));
  }
  return path;
}

}  // namespace

std::string to_trace_events(std::span<const SpanRecord> spans, const TimelineRow& row,
                            const std::function<nanoseconds(TimePoint)>& aligned) {
  std::string text;
  for (const SpanRecord& span : spans) {
    const nanoseconds begin = aligned(span.time.begin);
    const nanoseconds end = aligned(span.time.end);
    text += cat(",\n{\"name\":", quoted(span.name), ",\"ph\":\"X\",\"pid\":", row.rank,
                ",\"tid\":", static_cast<int>(row.thread), ",\"ts\":", microseconds(begin),
                ",\"dur\":", microseconds(end - begin), ",\"args\":", arguments_of(span), '}');
  }
  return text;
}

TimelineFile::TimelineFile(std::filesystem::path path, bool overwrite)
    : file_(checked(std::move(path), overwrite)) {}

void TimelineFile::begin(std::span<const TimelineRank> ranks) {
  const auto dumped = [](const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
  };
  nlohmann::ordered_json other = {{"clock", "rank 0; an offset is a rank's clock minus rank 0's"},
                                  {"ranks", nlohmann::ordered_json::array()}};
  std::string names;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const int rank = static_cast<int>(i);
    other["ranks"].push_back(description_of(rank, ranks[i]));
    for (const auto& name : names_of(rank, ranks[i].host))
      names += (names.empty() ? "" : ",\n") + dumped(name);
  }
  file_.append(
      cat("{\"displayTimeUnit\":\"ms\",\n\"otherData\":", dumped(other), ",\n\"traceEvents\":[\n", names));
}

void TimelineFile::append(std::string_view trace_events) {
  file_.append(trace_events);
}

void TimelineFile::finish() {
  file_.append("\n]}\n");
  file_.finish();
}

}  // namespace sterna::record
