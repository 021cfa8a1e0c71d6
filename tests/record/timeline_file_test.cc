#include "runtime/record/timeline_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::record {
namespace {

using std::chrono::nanoseconds;
using test::bytes_of;
using test::ScratchDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TimePoint at(std::int64_t count) {
  return TimePoint(nanoseconds(count));
}

// As a rank whose clock is 1000 ns ahead.
nanoseconds aligned(TimePoint time) {
  return time.time_since_epoch() - nanoseconds(1000);
}

nlohmann::json written(std::span<const TimelineRank> ranks, std::span<const std::string> pieces) {
  const ScratchDirectory directory;
  TimelineFile file(directory.path() / "t.json", /*overwrite=*/false);
  file.begin(ranks);
  for (const std::string& piece : pieces) file.append(piece);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "t.json"));
  file.finish();
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "t.json.part"));
  return nlohmann::json::parse(bytes_of(directory.path() / "t.json"));
}

TEST(TimelineFile, HasSpansAsCompleteEventsInMicroseconds) {
  SpanRecord exchange{.name = "exchange", .step = 12, .time = {at(1'234'568), at(1'235'569)}};
  exchange.arguments[0] = {.key = "bucket", .number = 3};
  exchange.arguments[1] = {.key = "first_parameter", .text = "fc1.weight"};
  const std::vector<SpanRecord> spans{{.name = "step", .step = 12, .time = {at(1000), at(2001000)}},
                                      exchange};
  const std::string text = to_trace_events(spans, {.rank = 5, .thread = TimelineThread::kExchange}, aligned);
  EXPECT_THAT(text, HasSubstr(R"("ts":1233.568,"dur":1.001)"));  // no digit is lost on the way
  EXPECT_EQ(nlohmann::json::parse("[0" + text + "]"), nlohmann::json::parse(R"([0,
    {"name": "step", "ph": "X", "pid": 5, "tid": 1, "ts": 0.000, "dur": 2000.000, "args": {"step": 12}},
    {"name": "exchange", "ph": "X", "pid": 5, "tid": 1, "ts": 1233.568, "dur": 1.001,
     "args": {"step": 12, "bucket": 3, "first_parameter": "fc1.weight"}}])"));
}

TEST(TimelineFile, HasTimesBeforeItsOrigin) {
  const std::vector<SpanRecord> spans{{.name = "step", .step = 0, .time = {at(995), at(3000)}}};
  EXPECT_THAT(to_trace_events(spans, {.rank = 0, .thread = TimelineThread::kTraining}, aligned),
              HasSubstr(R"("ts":-0.005,"dur":2.005)"));
}

TEST(TimelineFile, NamesRanksAndThreadsAndSaysHowTheirClocksStand) {
  const std::vector<TimelineRank> ranks{{.host = "a", .spans = 4},
                                        {.host = "b",
                                         .offset_at_start = nanoseconds(-1500),
                                         .error_bound_at_start = nanoseconds(250),
                                         .offset_at_end = nanoseconds(2000),
                                         .error_bound_at_end = nanoseconds(125),
                                         .spans = 9,
                                         .dropped_spans = 2}};
  const nlohmann::json file = written(ranks, {});
  EXPECT_EQ(file["otherData"]["ranks"][1], nlohmann::json::parse(R"({"rank": 1, "host": "b",
    "clock_offset_at_start_us": -1.5, "clock_error_bound_at_start_us": 0.25,
    "clock_offset_at_end_us": 2.0, "clock_error_bound_at_end_us": 0.125, "spans": 9, "dropped_spans": 2})"));
  std::vector<std::string> names;
  for (const auto& event : file["traceEvents"]) {
    EXPECT_EQ(event["ph"], "M");
    if (!event["args"].contains("name")) continue;
    names.push_back(cat(event["pid"], '.', event["tid"], ' ', event["args"]["name"].get<std::string>()));
  }
  EXPECT_THAT(names, testing::ElementsAre("0.0 rank 0 (a)", "0.0 training", "0.1 exchange", "1.0 rank 1 (b)",
                                          "1.0 training", "1.1 exchange"));
}

// What JSON must escape, and a byte that is no UTF-8: the file can be read whatever a host is called.
TEST(TimelineFile, IsJsonWhateverNamesHold) {
  const std::vector<SpanRecord> spans{{.name = "a\"b\\c\n\x01", .step = 0}, {.name = "\xFF", .step = 0}};
  const nlohmann::json file =
      written(std::vector<TimelineRank>{{.host = "\"\xC3(\n"}},
              std::vector{to_trace_events(spans, {.rank = 0, .thread = TimelineThread::kTraining}, aligned)});
  const auto& events = file["traceEvents"];
  EXPECT_EQ(events[events.size() - 2]["name"], "a\"b\\c\n\x01");
  EXPECT_EQ(events.back()["name"], "\xEF\xBF\xBD");  // the replacement character
  EXPECT_EQ(file["otherData"]["ranks"][0]["host"], "\"\xEF\xBF\xBD(\n");
}

TEST(TimelineFile, ThatIsNotFinishedIsNotThere) {
  const ScratchDirectory directory;
  {
    TimelineFile file(directory.path() / "t.json", /*overwrite=*/false);
    EXPECT_TRUE(std::filesystem::exists(directory.path() / "t.json.part"));
    file.begin({});
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(TimelineFile, ReplacesAFileOnlyWhereItIsTold) {
  const ScratchDirectory directory;
  const auto path = directory.write("t.json", "earlier");
  EXPECT_THAT([&] { TimelineFile(path, /*overwrite=*/false); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("[record] timeline = " + path.string()),
                                               HasSubstr("is there already"), HasSubstr("--overwrite"))));
  EXPECT_EQ(bytes_of(path), "earlier");
  TimelineFile file(path, /*overwrite=*/true);
  EXPECT_EQ(bytes_of(path), "earlier");  // until it is finished
  file.begin({});
  file.finish();
  EXPECT_EQ(nlohmann::json::parse(bytes_of(path))["traceEvents"], nlohmann::json::array());
}

TEST(TimelineFile, RefusesAPlaceThatIsNone) {
  const ScratchDirectory directory;
  for (bool overwrite : {false, true}) {
    EXPECT_THAT([&] { TimelineFile(directory.path(), overwrite); },
                ThrowsMessage<ConfigError>(HasSubstr("is a directory")));
    EXPECT_THAT([&] { TimelineFile(directory.path() / "none" / "t.json", overwrite); },
                ThrowsMessage<ConfigError>(HasSubstr("No such file or directory")));
  }
}

}  // namespace
}  // namespace sterna::record
