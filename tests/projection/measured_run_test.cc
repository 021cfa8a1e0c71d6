#include "runtime/projection/measured_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::projection {
namespace {

using nlohmann::json;
using test::ScratchDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

json description(const std::string& compressor) {
  const auto layer = [&](const char* name, const char* kind, int elements, bool is_compressed) {
    return json{{"name", name}, {"kind", kind}, {"elements", elements}, {"compressed", is_compressed}};
  };
  const bool compresses = compressor != "none";
  return {{"settings",
           {{"model", "small"},
            {"compressor", compressor},
            {"rate", 100.0},
            {"batch", 32},
            {"overlap", "on"},
            {"bucket-bytes", 0},
            {"sum-order", "tree"},
            {"gather", "all"},
            {"compress-after-epochs", 0}}},
          {"hosts", {"a", "b"}},
          {"ranks", 2},
          {"learners", 4},
          {"parameters",
           {layer("conv1.weight", "convolution", 100, false),
            layer("conv2.weight", "convolution", 1000, compresses), layer("fc.bias", "bias", 10, false)}}};
}

json step(int number, double milliseconds) {
  return {{"step", number},
          {"epoch", number / 4},
          {"step_seconds", 1e-3 * milliseconds},
          {"compute_seconds", 4e-3},
          {"compress_seconds", 1e-3},
          {"exchange_seconds", 2e-3},
          {"exposed_seconds", 1e-3},
          {"wire_bytes_sent", 100 * number},
          {"payload_bytes", 500},
          {"elements_sent", 120},
          {"buckets", 2}};
}

struct Logs {
  ScratchDirectory directory;

  void write(const std::string& compressor) const {
    directory.write("run.json", description(compressor).dump(2));
  }
  void write_steps(const std::vector<json>& rows) const { lines("steps.jsonl", rows); }
  void lines(const std::string& name, const std::vector<json>& rows) const {
    std::string text;
    for (const json& row : rows) text += row.dump() + "\n";
    directory.write(name, text);
  }
  [[nodiscard]] MeasuredRun read() const { return read_run(directory.path()); }
};

TEST(MeasuredRun, TakesMediansOverTheSecondHalf) {
  Logs logs;
  logs.write("topk");
  logs.write_steps({step(0, 90), step(1, 80), step(2, 70), step(3, 8), step(4, 9), step(5, 13)});
  const MeasuredRun run = logs.read();
  EXPECT_EQ(run.steps, 3u);
  EXPECT_DOUBLE_EQ(run.step_seconds, 9e-3);
  EXPECT_DOUBLE_EQ(run.wire_bytes_sent, 400);
  // Half of the exchange is exposed, so half of compressing is taken to be: of 9 ms 9 - 4 - 1 - 0.5.
  EXPECT_NEAR(run.other_seconds, 3.5e-3, 1e-15);
  EXPECT_EQ(run.hosts, 2u);
  EXPECT_EQ(run.layout.ranks, 2u);
  EXPECT_EQ(run.layout.learners_per_rank, 2u);
  EXPECT_EQ(run.layout.buckets, 2u);
  EXPECT_TRUE(run.is_overlapped);
  EXPECT_TRUE(run.has_open_buckets);
  // 110 elements are dense: 440 of 500 bytes, 110 of 120 elements.
  EXPECT_EQ(run.payload.float32_bytes, 440);
  EXPECT_EQ(run.payload.gathered_bytes, 60);
  EXPECT_EQ(run.payload.gathered_elements, 10);
}

TEST(MeasuredRun, LooksAtCompressedStepsAlone) {
  Logs logs;
  json late = description("topk");
  late["settings"]["compress-after-epochs"] = 1;  // from step 4 on
  logs.directory.write("run.json", late.dump());
  logs.write_steps({step(2, 50), step(3, 50), step(4, 7), step(5, 9)});
  EXPECT_DOUBLE_EQ(logs.read().step_seconds, 9e-3);
  logs.write_steps({step(2, 50), step(3, 50)});
  EXPECT_THAT([&] { (void)logs.read(); }, ThrowsMessage<ConfigError>(HasSubstr("holds no step")));
}

TEST(MeasuredRun, KnowsWhatAnotherCompressorWouldLeaveDense) {
  Logs logs;
  logs.write("none");
  logs.write_steps({step(0, 9)});
  const MeasuredRun run = logs.read();
  EXPECT_FALSE(run.layers[0].may_be_compressed);
  EXPECT_TRUE(run.layers[1].may_be_compressed);
  EXPECT_FALSE(run.layers[2].may_be_compressed);
  EXPECT_EQ(run.payload.float32_bytes, 4 * 1110);
}

TEST(MeasuredRun, GoesByTheLastChoice) {
  Logs logs;
  logs.write("auto");
  logs.write_steps({step(0, 50), step(1, 50), step(2, 9)});
  logs.lines("choices.jsonl",
             {{{"step", 0}, {"methods", "none topk none"}}, {{"step", 2}, {"methods", "none fp16 none"}}});
  const MeasuredRun run = logs.read();
  EXPECT_DOUBLE_EQ(run.step_seconds, 9e-3);
  EXPECT_EQ(run.payload.float16_bytes, 2000);
  logs.lines("choices.jsonl", {{{"step", 0}, {"methods", "none topk"}}});
  EXPECT_THAT([&] { (void)logs.read(); },
              ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("choices.jsonl, line 1"), HasSubstr("not of 3 parameters"))));
  logs.lines("choices.jsonl", {});
  EXPECT_THAT([&] { (void)logs.read(); }, ThrowsMessage<ConfigError>(HasSubstr("made no choice")));
}

TEST(MeasuredRun, RefusesADirectoryWithoutARun) {
  Logs logs;
  EXPECT_THAT([&] { (void)logs.read(); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("cannot read run.json"), HasSubstr("--log-dir"))));
  logs.write("topk");
  EXPECT_THAT([&] { (void)logs.read(); }, ThrowsMessage<ConfigError>(HasSubstr("cannot read steps.jsonl")));
  logs.write_steps({});
  EXPECT_THAT([&] { (void)logs.read(); }, ThrowsMessage<ConfigError>(HasSubstr("holds no step")));
}

TEST(MeasuredRun, NamesTheLineThatIsWrong) {
  Logs logs;
  logs.write("topk");
  json wrong = step(1, 9);
  const auto refused = [&](const std::string& second_line, const char* part) {
    logs.directory.write("steps.jsonl", step(0, 9).dump() + "\n" + second_line + "\n");
    EXPECT_THAT([&] { (void)logs.read(); },
                ThrowsMessage<ConfigError>(
                    AllOf(HasSubstr("steps.jsonl, line 2: "), HasSubstr(part), Not(HasSubstr("\n")))));
  };
  refused(wrong.dump().substr(0, 30), "parse error");
  refused("[1, 2]", "type");
  wrong["compute_seconds"] = -1;
  refused(wrong.dump(), "compute_seconds = -1");
  wrong["compute_seconds"] = "fast";
  refused(wrong.dump(), "must be number");
  wrong.erase("compute_seconds");
  refused(wrong.dump(), "compute_seconds");
}

TEST(MeasuredRun, RefusesADescriptionThatIsNone) {
  Logs logs;
  logs.write_steps({step(0, 9)});
  for (const char* wrong : {"", "{", "{}", "[]", "null"}) {
    SCOPED_TRACE(wrong);
    logs.directory.write("run.json", wrong);
    EXPECT_THAT([&] { (void)logs.read(); }, ThrowsMessage<ConfigError>(HasSubstr("run.json: is not what")));
  }
  json zero = description("topk");
  zero["ranks"] = 0;
  logs.directory.write("run.json", zero.dump());
  EXPECT_THAT([&] { (void)logs.read(); }, ThrowsMessage<ConfigError>(HasSubstr("ranks = 0 is less than 1")));
  logs.write("gzip");
  EXPECT_THAT([&] { (void)logs.read(); },
              ThrowsMessage<ConfigError>(HasSubstr("what it sends is not known")));
}

}  // namespace
}  // namespace sterna::projection
