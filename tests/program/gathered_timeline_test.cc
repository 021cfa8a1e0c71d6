#include "runtime/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/run.h"
#include "tests/support/scratch_directory.h"

namespace sterna {
namespace {

using test::bytes_of;
using test::ScratchDirectory;
using testing::HasSubstr;

void add_spans(SpanLog& log, std::size_t spans) {
  for (std::size_t i = 0; i < spans; ++i) const Span span(&log, "step", i);
}

// Each rank's spans, 5000 r + 10 of training and 7 of the exchange, by way of Timeline. Returns what each
// rank is told.
std::vector<std::optional<std::string>> write(const std::filesystem::path& path, int ranks,
                                              std::size_t most_spans) {
  std::vector<std::optional<std::string>> told(static_cast<std::size_t>(ranks));
  collectives::run_on_threads(ranks, [&](collectives::Communicator& comm) {
    RunSpans spans(most_spans);
    std::vector<std::string> hosts;
    for (int rank = 0; rank < ranks; ++rank) hosts.push_back(cat("host", rank));
    const bool is_first = comm.rank() == 0;
    Timeline timeline(comm, spans, hosts,
                      is_first ? std::make_unique<record::TimelineFile>(path, /*overwrite=*/false) : nullptr);
    add_spans(spans.training, 5000 * static_cast<std::size_t>(comm.rank()) + 10);
    add_spans(spans.exchange, 7);
    told[static_cast<std::size_t>(comm.rank())] = timeline.write();
  });
  return told;
}

// Spans by rank and thread.
std::map<std::pair<int, int>, std::size_t> spans_in(const nlohmann::json& file) {
  std::map<std::pair<int, int>, std::size_t> spans;
  for (const auto& event : file["traceEvents"]) {
    if (event["ph"] != "X") continue;
    EXPECT_GE(event["ts"].get<double>(), 0.0);  // all began after rank 0's clock was read first
    ++spans[{event["pid"], event["tid"]}];
  }
  return spans;
}

// More than one piece of a rank, and of several ranks.
TEST(Timeline, HasEverySpanOfEveryRank) {
  for (int ranks : {1, 2, 3}) {
    const ScratchDirectory directory;
    const auto told = write(directory.path() / "t.json", ranks, 20000);
    const auto file = nlohmann::json::parse(bytes_of(directory.path() / "t.json"));
    const auto spans = spans_in(file);
    EXPECT_EQ(spans.size(), 2 * static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) {
      const auto training = 5000 * static_cast<std::size_t>(rank) + 10;
      EXPECT_EQ(spans.at({rank, 0}), training);
      EXPECT_EQ(spans.at({rank, 1}), 7u);
      const auto& described = file["otherData"]["ranks"][static_cast<std::size_t>(rank)];
      EXPECT_EQ(described["host"], cat("host", rank));
      EXPECT_EQ(described["spans"], training + 7);
      EXPECT_EQ(described["dropped_spans"], 0);
      EXPECT_EQ(told[static_cast<std::size_t>(rank)], std::nullopt);
    }
  }
}

// Room for 8 of a thread: rank 0 drops 2 of its 10, rank 1 all but 8 of 5010.
TEST(Timeline, CountsWhatItHasNoRoomFor) {
  const ScratchDirectory directory;
  const auto told = write(directory.path() / "t.json", 2, 8);
  const auto file = nlohmann::json::parse(bytes_of(directory.path() / "t.json"));
  EXPECT_EQ(spans_in(file),
            (std::map<std::pair<int, int>, std::size_t>{{{0, 0}, 8}, {{0, 1}, 7}, {{1, 0}, 8}, {{1, 1}, 7}}));
  EXPECT_EQ(file["otherData"]["ranks"][0]["dropped_spans"], 2);
  EXPECT_EQ(file["otherData"]["ranks"][1]["dropped_spans"], 5002);
  EXPECT_THAT(told[0].value(),
              HasSubstr("5004 spans at the end of the run were dropped: it keeps the first 8"));
  EXPECT_EQ(told[1], std::nullopt);
}

// The others do not wait for a rank whose disk is full.
TEST(Timeline, FailsOnRank0AloneWhereTheDiskIsFull) {
  const ScratchDirectory directory;
  std::filesystem::create_symlink("/dev/full", directory.path() / "t.json.part");
  const auto message =
      test::message_of<ConfigError>([&] { (void)write(directory.path() / "t.json", 3, 20000); });
  EXPECT_THAT(message, HasSubstr("No space left on device"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "t.json"));
}

// What a user is told is one line, on every rank the same, and the file of the run before stays.
TEST(Timeline, IsRefusedBeforeTrainingWhereTheFileIsThere) {
  const ScratchDirectory directory;
  TrainConfig config;
  config.data = "synthetic";
  config.batch = 2;
  config.steps = 1;
  config.progress = "off";
  config.timeline = directory.write("t.json", "earlier");
  config.log_dir = directory.path() / "logs";
  collectives::run_on_threads(2, [&](collectives::Communicator& comm) {
    EXPECT_THAT([&] { (void)train(config, comm); },
                testing::ThrowsMessage<AgreedConfigError>(HasSubstr("is there already")));
  });
  EXPECT_EQ(bytes_of(config.timeline), "earlier");
  EXPECT_FALSE(std::filesystem::exists(config.log_dir));
}

}  // namespace
}  // namespace sterna
