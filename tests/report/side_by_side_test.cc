#include "runtime/report/side_by_side.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/plot/count_of.h"

namespace sterna::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RunLog run(const std::string& model, const std::string& compressor, const std::string& seed, double accuracy,
           double payload_bytes) {
  RunLog log{.directory = "nowhere"};
  log.settings = {{"model", model}, {"model-arg", ""},      {"data", "digits"}, {"compressor", compressor},
                  {"rate", "10.0"}, {"log-dir", "a place"}, {"seed", seed}};
  for (const double loss : {2.0, 1.0}) {
    log.steps.add({{"step", 2.0 - loss},
                   {"loss", loss},
                   {"payload_bytes", payload_bytes},
                   {"dense_bytes", 1000},
                   {"step_seconds", 0.5}});
    log.epochs.add({{"epoch", 3.0 - loss}, {"step", 3.0 - loss}, {"test_accuracy", accuracy * (3.0 - loss)}});
  }
  return log;
}

const Table& table_of(const Section& section) {
  return std::get<Table>(section.blocks[1]);
}

TEST(SideBySide, ComparesRunsOfOneModelAndTakesSeedsTogether) {
  const std::vector<Section> sections = side_by_side({{"dense", run("lenet", "none", "1", 0.40, 1000)},
                                                      {"other", run("vgg16", "none", "1", 0.20, 1000)},
                                                      {"topk-1", run("lenet", "topk", "1", 0.39, 40)},
                                                      {"topk-2", run("lenet", "topk", "2", 0.37, 40)}});
  ASSERT_EQ(sections.size(), 1u);
  EXPECT_EQ(sections[0].title, "lenet on digits, side by side");
  EXPECT_EQ(table_of(sections[0]).caption, "The last test accuracy; bytes are means over all steps");
  // Accuracies after the second epoch: 0.80, and 0.78 and 0.74, in the mean 0.76.
  EXPECT_THAT(table_of(sections[0]).rows,
              ElementsAre(ElementsAre("dense", "0.8000", "", "1.00", "1,000", "compressor none"),
                          ElementsAre("topk-1 and 1 other", "0.7600", "0.7400 to 0.7800", "25.0", "40",
                                      "compressor topk")));
  std::vector<std::string> figures;
  for (const Block& block : sections[0].blocks) {
    if (const auto* figure = std::get_if<Figure>(&block)) figures.push_back(figure->svg);
  }
  ASSERT_EQ(figures.size(), 4u);  // accuracy against bytes, loss, accuracy, time of a step
  EXPECT_THAT(figures[0], HasSubstr("test accuracy against bytes"));
  EXPECT_EQ(plot::count_of(figures[1], "<polyline "), 2u);
}

TEST(SideBySide, HasNothingOfRunsThatHaveNoLike) {
  EXPECT_THAT(side_by_side({}), IsEmpty());
  EXPECT_THAT(side_by_side({{"a", run("lenet", "none", "1", 0.4, 1000)}}), IsEmpty());
  EXPECT_THAT(
      side_by_side({{"a", run("lenet", "none", "1", 0.4, 1000)}, {"b", run("vgg16", "none", "1", 0.4, 9)}}),
      IsEmpty());
  EXPECT_THAT(
      side_by_side({{"a", run("lenet", "none", "1", 0.4, 1000)}, {"b", run("lenet", "none", "2", 0.4, 9)}}),
      IsEmpty());
}

TEST(SideBySide, GoesByBleuWhereSentencesAreTranslated) {
  RunLog dense = run("transformer", "none", "1", 0.4, 1000);
  RunLog topk = run("transformer", "topk", "1", 0.4, 10);
  dense.epochs.add({{"epoch", 3}, {"step", 3}, {"test_bleu", 31.5}});
  topk.epochs.add({{"epoch", 3}, {"step", 3}, {"test_bleu", 30.25}});
  const std::vector<Section> sections = side_by_side({{"dense", dense}, {"topk", topk}});
  ASSERT_EQ(sections.size(), 1u);
  EXPECT_EQ(table_of(sections[0]).columns[1].title, "test bleu");
  EXPECT_EQ(table_of(sections[0]).rows[1][1], "30.25");
}

// A run that is under way, or that diverged before its first evaluation.
TEST(SideBySide, TakesRunsWithoutEvaluationsAsNotKnown) {
  RunLog diverged = run("lenet", "topk", "1", 0.4, 10);
  diverged.epochs = {};
  const std::vector<Section> sections =
      side_by_side({{"dense", run("lenet", "none", "1", 0.4, 1000)}, {"topk", diverged}});
  ASSERT_EQ(sections.size(), 1u);
  EXPECT_EQ(table_of(sections[0]).rows[1][1], "not known");
}

}  // namespace
}  // namespace sterna::report
