#include "runtime/experiment/definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/core/errors.h"
#include "runtime/experiment/embedded.h"

namespace sterna::experiment {
namespace {

const std::set<std::string> kFlags = {"compressor", "epochs", "lr",      "model",
                                      "model-arg",  "seed",   "log-dir", "csv"};

constexpr char kHead[] = R"(title = "T"
claim = "C"
source = "S"
measure = "test_accuracy"
higher-is-better = true
seeds = 5
)";

constexpr char kRest[] = R"(
[settings]
model = "lenet"
model-arg = ["a=1", "b=2"]
epochs = 3
[quick]
seeds = 2
epochs = 1
variants = ["dense", "topk"]
[[variant]]
name = "dense"
compressor = "none"
[[variant]]
name = "topk"
compressor = "topk"
lr = 0.5
[variant.quick]
lr = 1
[[variant]]
name = "fp16"
compressor = "fp16"
[[comparison]]
variant = "topk"
baseline = "dense"
expected = "equivalent"
margin = 0.005
[[comparison]]
variant = "fp16"
baseline = "dense"
expected = "open"
relative-margin = 0.01
)";

Definition parse(const std::string& text, bool is_quick = false) {
  return parse_definition(text, "mine", "mine.toml", kFlags, is_quick);
}

TEST(Definition, IsWhatTheFileSays) {
  const Definition d = parse(std::string(kHead) + kRest);
  EXPECT_EQ(d.name, "mine");
  EXPECT_EQ(d.title + d.claim + d.source, "TCS");
  EXPECT_EQ(d.measure, "test_accuracy");
  EXPECT_TRUE(d.is_higher_better);
  EXPECT_EQ(d.seeds, 5u);
  EXPECT_EQ(d.planned_seeds, 5u);
  EXPECT_EQ(d.settings, Flags::parse(R"({"epochs": 3, "model": "lenet", "model-arg": ["a=1", "b=2"]})"));
  ASSERT_EQ(d.variants.size(), 3u);
  EXPECT_EQ(d.variants[1].name, "topk");
  EXPECT_EQ(d.variants[1].flags, Flags::parse(R"({"compressor": "topk", "lr": 0.5})"));
  ASSERT_EQ(d.comparisons.size(), 2u);
  EXPECT_EQ(d.comparisons[0].margin, 0.005);
  EXPECT_FALSE(d.comparisons[0].is_margin_relative);
  EXPECT_EQ(d.comparisons[1].margin, 0.01);
  EXPECT_TRUE(d.comparisons[1].is_margin_relative);
  EXPECT_FALSE(d.is_quick);
}

TEST(Definition, IsSmallerIfQuick) {
  const Definition d = parse(std::string(kHead) + kRest, /*is_quick=*/true);
  EXPECT_TRUE(d.is_quick);
  EXPECT_EQ(d.seeds, 2u);
  EXPECT_EQ(d.planned_seeds, 2u);
  EXPECT_EQ(d.settings["epochs"], 1);
  EXPECT_EQ(d.settings["model"], "lenet");
  ASSERT_EQ(d.variants.size(), 2u);  // fp16 is left out, and what is compared with it
  EXPECT_EQ(d.variants[1].flags["lr"], 1);
  ASSERT_EQ(d.comparisons.size(), 1u);
  EXPECT_EQ(d.comparisons[0].variant, "topk");
}

struct Mistake {
  std::string wrong;  // stands for this ...
  std::string right;
  std::string message;  // ... and is told of so
};

TEST(Definition, RefusesEachMistakeInItsLine) {
  const std::vector<Mistake> mistakes = {
      {"title = T", "title = \"T\"", "mine.toml, line 1: "},
      {"titel = \"T\"", "title = \"T\"", "line 1: title is missing in the file"},
      {"title = \"\"", "title = \"T\"", "line 1: title must be a string that is not empty"},
      {"title = 1", "title = \"T\"", "line 1: title must be a string"},
      {"title = \"T\"\ncolour = 1", "title = \"T\"", "line 2: colour: there is no such key in the file"},
      {"measure = \"beauty\"", "measure = \"test_accuracy\"",
       "line 4: measure = \"beauty\": must be a number of epochs.jsonl: "},
      {"higher-is-better = 1", "higher-is-better = true", "line 5: higher-is-better must be true or false"},
      {"seeds = 0", "seeds = 5", "line 6: seeds = 0: must be in [1, 1000]"},
      {"", "seeds = 5", "seeds is missing"},
      {"modle = \"lenet\"", "model = \"lenet\"",
       "line 9: modle in [settings]: `sterna train` has no such flag"},
      {"seed = 1", "model = \"lenet\"", "line 9: seed in [settings]: the experiment sets it for each run"},
      {"model = 1979-05-27", "model = \"lenet\"", "line 9: model must be a string, a number"},
      {"model-arg = [1]", "model-arg = [\"a=1\", \"b=2\"]", "line 10: model-arg must be a list of strings"},
      {"variants = [\"dance\"]", "variants = [\"dense\", \"topk\"]", "line 15: variants has \"dance\""},
      {"name = \"a/b\"", "name = \"topk\"", "name = \"a/b\": must be letters, digits"},
      {"name = \"dense\"", "name = \"topk\"", "name = \"dense\": another variant has that name"},
      {"lr = 1\nrate = 2", "lr = 1", "rate in [quick]: `sterna train` has no such flag"},
      {"baseline = \"topk\"\nexpected = \"equivalent\"", "baseline = \"dense\"\nexpected = \"equivalent\"",
       "variant and baseline must not be the same"},
      {"variant = \"top\"", "variant = \"topk\"", "variant = \"top\": must be the name of a variant"},
      {"expected = \"equal\"", "expected = \"equivalent\"",
       "expected = \"equal\": must be one of better, equivalent, open, worse"},
      {"margin = 0.005\nrelative-margin = 1", "margin = 0.005", "must have either margin or relative-margin"},
      {"", "margin = 0.005", "must have either margin or relative-margin"},
      {"margin = 0", "margin = 0.005", "margin must be more than 0"},
      {"margin = \"1 %\"", "margin = 0.005", "margin must be a number"},
      {"margin = 1\nunit = 2", "margin = 0.005", "unit: there is no such key in [[comparison]]"},
  };
  for (const Mistake& mistake : mistakes) {
    std::string text = std::string(kHead) + kRest;
    const std::size_t at = text.find(mistake.right);
    ASSERT_NE(at, std::string::npos) << mistake.right;
    text.replace(at, mistake.right.size(), mistake.wrong);
    for (bool is_quick : {false, true}) {
      EXPECT_THAT([&] { (void)parse(text, is_quick); },
                  testing::ThrowsMessage<ConfigError>(testing::HasSubstr(mistake.message)))
          << mistake.wrong;
    }
  }
}

TEST(Definition, MustHaveAVariantAndTablesOfTheRightKind) {
  const auto throws = [](const char* message) {
    return testing::ThrowsMessage<ConfigError>(testing::HasSubstr(message));
  };
  EXPECT_THAT([] { (void)parse(kHead); }, throws("there is no [[variant]]"));
  EXPECT_THAT([] { (void)parse(std::string(kHead) + "variant = 1\n"); }, throws("variant must be tables"));
  EXPECT_THAT([] { (void)parse(std::string(kHead) + "settings = 1\n"); }, throws("settings must be a table"));
  EXPECT_THAT([] { (void)parse(std::string(kHead) + "[[variant]]\nname = \"a\"\n", /*is_quick=*/true); },
              throws("has no [quick]"));
}

TEST(FindDefinition, NamesWhatThereIs) {
  EXPECT_THAT([] { (void)find_definition("no-such", kFlags, false); },
              testing::ThrowsMessage<ConfigError>(
                  testing::HasSubstr(std::string(embedded_definitions().front().name))));
  EXPECT_THAT([] { (void)find_definition("/nowhere/mine.toml", kFlags, false); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("/nowhere/mine.toml: cannot read it")));
  EXPECT_THAT([] { (void)find_definition("/nowhere/my file.toml", kFlags, false); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("must have a name of letters")));
}

}  // namespace
}  // namespace sterna::experiment
