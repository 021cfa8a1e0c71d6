#include "runtime/report/experiment_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"
#include "runtime/report/report.h"
#include "tests/plot/count_of.h"
#include "tests/report/logs.h"
#include "tests/report/results.h"

namespace sterna::report {
namespace {

using nlohmann::json;
using plot::count_of;
using test::ScratchDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::ThrowsMessage;

void write_result(const ScratchDirectory& directory, const json& result) {
  std::filesystem::create_directories(directory.path() / "small");
  directory.write("small/result.json", result.dump());
}

Section section_of(const ScratchDirectory& directory, const json& result = result_json()) {
  write_result(directory, result);
  return experiment_section(read_experiment(directory.path() / "small"), 300);
}

void write_runs(const ScratchDirectory& directory, const std::vector<double>& topk_losses) {
  for (const char* seed : {"seed-1", "seed-2"}) {
    write_run(directory, std::string("small/none/") + seed, "none", {2.0, 1.5, 1.0});
    write_run(directory, std::string("small/topk/") + seed, "topk", topk_losses);
  }
}

TEST(ExperimentSection, BeginsWithClaimSourceAndVerdicts) {
  const ScratchDirectory directory;
  const Section section = section_of(directory);
  EXPECT_EQ(section.title, "A small experiment");
  EXPECT_EQ(std::get<Paragraph>(section.blocks[0]).text, "Claim: topk loses nothing");
  EXPECT_EQ(std::get<Paragraph>(section.blocks[1]).text, "Source: a paper, table 2");
  EXPECT_EQ(std::get<Verdict>(section.blocks[2]).headline, "Held: topk is equivalent to none, as expected.");
}

TEST(ExperimentSection, HasARowForEachVariant) {
  const ScratchDirectory directory;
  const Table table = all_of<Table>(section_of(directory).blocks)[0];
  EXPECT_EQ(table.caption, "Variants: test accuracy, higher is better");
  // Half of the interval is 0.0007: four places.
  EXPECT_THAT(table.rows, ElementsAre(ElementsAre("none", "2 of 2", "0.9908", "0.9901 to 0.9915", "1.00",
                                                  "1,000", "3.50", "--compressor none"),
                                      ElementsAre("topk", "2 of 2", "0.9905", "0.9898 to 0.9912", "100", "10",
                                                  "3.50", "--compressor topk")));
}

TEST(ExperimentSection, MarksTheParetoFront) {
  const ScratchDirectory directory;
  json result = result_json();
  result["variants"].push_back(variant_json("waste", 0.98, 500));  // topk beats it
  const std::string svg = figure_titled(section_of(directory, result), "test accuracy against bytes");
  EXPECT_EQ(count_of(svg, ">Pareto front</text>"), 1u);
  // 10 to 1000 bytes with a margin of 1.15 each: ln 1.15 / ln 132.25 = 0.0286 of 720 pixels from each end.
  // Intervals go from 0.9793 to 0.9915, a fifth of which is 0.0024, so ticks are 0.005 apart, from 0.975 to
  // 0.995: 0.9905 is 0.0155 / 0.02 of 260 pixels up from 334, 0.9908 0.0158 / 0.02.
  EXPECT_THAT(svg, HasSubstr("points=\"98.6,132.5 777.4,128.6\""));
  EXPECT_EQ(count_of(svg, "stroke-width=\"1.5\""), 3 * 3u);  // an interval is three lines
}

// The mean of the runs that are left would be the cheapest result.
TEST(ExperimentSection, HasNoVariantOnTheFrontOfWhichARunDiverged) {
  const ScratchDirectory directory;
  json result = result_json();
  json wild = variant_json("wild", 0.99, 5);
  wild["runs"][1]["status"] = "diverged";
  result["variants"].push_back(wild);
  const Section section = section_of(directory, result);
  const std::string svg = figure_titled(section, "test accuracy against bytes");
  const std::size_t begin = svg.find("points=\"");
  EXPECT_EQ(count_of(svg.substr(begin, svg.find('"', begin + 8) - begin), ","), 2u);  // none and topk
  EXPECT_THAT(all_of<Figure>(section.blocks)[0].caption, HasSubstr("that diverged are not on it."));
}

TEST(ExperimentSection, DrawsALineAVariantWithABandOverSeeds) {
  const ScratchDirectory directory;
  write_runs(directory, {2.0, 1.0, 0.5});
  const Section section = section_of(directory);
  const std::string loss = figure_titled(section, "Training loss");
  EXPECT_EQ(count_of(loss, "<polyline "), 2u);
  EXPECT_EQ(count_of(loss, "<polygon "), 2u);
  const std::string measure = figure_titled(section, "test accuracy");
  EXPECT_THAT(measure, HasSubstr(">epochs completed</text>"));
  EXPECT_EQ(all_of<Table>(section.blocks)[1].rows.size(), 2u);  // times and bytes of each variant
  ASSERT_EQ(section.sections.size(), 2u);
  EXPECT_EQ(section.sections[1].title, "topk, seed 1");
  EXPECT_TRUE(section.sections[1].is_folded);
}

TEST(ExperimentSection, ComparesDiagnosticsOfVariants) {
  const ScratchDirectory directory;
  write_runs(directory, {2.0});
  const json row = {{"step", 0},       {"layer", "conv.weight"}, {"kind", "convolution"},
                    {"elements", 120}, {"elements_sent", 7},     {"residue_p95", 0.5}};
  for (const char* variant : {"none", "topk"}) {
    directory.write(std::string("small/") + variant + "/seed-2/diagnostics.jsonl", row.dump() + "\n");
    directory.write(std::string("small/") + variant + "/seed-1/diagnostics.jsonl", row.dump() + "\n");
  }
  const std::vector<Table> tables = all_of<Table>(section_of(directory).blocks);
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_THAT(tables[2].caption, HasSubstr("Diagnostics of conv.weight, 120 elements"));
  EXPECT_THAT(tables[2].rows,
              ElementsAre(ElementsAre("none", "7", "0.500"), ElementsAre("topk", "7", "0.500")));
}

TEST(ExperimentSection, CutsOffALossThatRunsAway) {
  const ScratchDirectory directory;
  write_runs(directory, {2.0, 6.5, 1e9, 2.0});  // a curve that comes back would have a gap
  const Section section = section_of(directory);
  EXPECT_THAT(figure_titled(section, "Training loss"), Not(HasSubstr("e+0")));
  bool is_said = false;
  for (const Figure& figure : all_of<Figure>(section.blocks)) {
    is_said =
        is_said || figure.caption.find("exceeds three times the largest first loss") != std::string::npos;
  }
  EXPECT_TRUE(is_said);
}

TEST(ExperimentSection, SaysWhichLogsAreMissingOrCut) {
  const ScratchDirectory directory;
  write_run(directory, "small/none/seed-1", "none", {2.0});
  directory.write("small/none/seed-1/steps.jsonl", step_row(0, 2.0).dump() + "\n{\"st");
  const std::vector<Paragraph> paragraphs = all_of<Paragraph>(section_of(directory).blocks);
  EXPECT_EQ(paragraphs[2].text,
            "The logs of 3 runs are not there; curves and charts are those of the others.");
  EXPECT_THAT(paragraphs[3].text, HasSubstr("none/seed-1: The last line of steps.jsonl"));
}

TEST(Report, FindsExperimentsAndRunsOutsideOfThem) {
  const ScratchDirectory directory;
  write_result(directory, result_json());
  write_runs(directory, {2.0});
  write_run(directory, "deep/in/there", "none", {2.0});
  write_run(directory, "a-run", "none", {2.0});
  const Found found = find_results(directory.path());
  EXPECT_THAT(found.experiments, ElementsAre(directory.path() / "small"));
  EXPECT_THAT(found.runs, ElementsAre(directory.path() / "a-run", directory.path() / "deep/in/there"));

  const Document document = report_of(directory.path(), found);
  ASSERT_EQ(document.sections.size(), 3u);
  EXPECT_EQ(document.sections[0].title, "A small experiment");
  EXPECT_EQ(document.sections[2].title, "deep/in/there");
  EXPECT_EQ(std::get<Paragraph>(document.blocks[0]).text, "What was expected of each comparison: held: 1.");
  EXPECT_THAT(std::get<Table>(document.blocks[1]).rows,
              ElementsAre(ElementsAre("small", "topk", "none", "equivalent", "equivalent", "held")));
}

TEST(Report, PassesOverLinks) {
  const ScratchDirectory directory;
  write_run(directory, "a-run", "none", {2.0});
  std::filesystem::create_directory_symlink(directory.path(), directory.path() / "loop");
  std::filesystem::create_symlink(directory.path() / "nowhere", directory.path() / "z-leads-nowhere");
  EXPECT_THAT(find_results(directory.path()).runs, ElementsAre(directory.path() / "a-run"));
}

TEST(Report, TakesADirectoryThatIsARunItself) {
  const ScratchDirectory directory;
  write_run(directory, "a-run", "none", {2.0});
  for (const char* name : {"a-run", "a-run/"}) {
    const std::filesystem::path path = directory.path() / name;
    const Document document = report_of(path, find_results(path));
    EXPECT_EQ(document.title, "Results in a-run") << name;
    EXPECT_EQ(document.sections[0].title, "a-run") << name;
  }
}

TEST(Report, RefusesADirectoryWithNothingInIt) {
  const ScratchDirectory directory;
  EXPECT_THAT([&] { (void)find_results(directory.path()); },
              ThrowsMessage<ConfigError>(HasSubstr("holds neither a result.json nor a run.json")));
  EXPECT_THAT([&] { (void)find_results(directory.path() / "nowhere"); },
              ThrowsMessage<ConfigError>(HasSubstr("nowhere: must be a directory with results")));
}

}  // namespace
}  // namespace sterna::report
