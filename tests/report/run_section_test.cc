#include "runtime/report/run_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/report/curves.h"
#include "tests/plot/count_of.h"
#include "tests/report/logs.h"

namespace sterna::report {
namespace {

using nlohmann::json;
using plot::count_of;
using test::ScratchDirectory;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Section section_of(const ScratchDirectory& directory) {
  RunLog run = read_run_log(directory.path() / "run");
  read_layers(run);
  return run_section(run, "run", 300);
}

json layer_row(int step, const std::string& name, int elements, int sent, double bytes) {
  return {{"step", step},          {"layer", name},          {"kind", "convolution"}, {"elements", elements},
          {"elements_sent", sent}, {"payload_bytes", bytes}, {"gradient_norm", 0.5},  {"residue_norm", 0.25}};
}

json diagnostic_row(int step, const std::string& name) {
  return {{"step", step},
          {"layer", name},
          {"kind", "convolution"},
          {"elements", 120},
          {"elements_sent", 6},
          {"elements_per_bin", 2.0},
          {"gradient_p95", 0.1},
          {"residue_p95", 0.3},
          {"cosine_distance", 0.2},
          {"union_elements", 12},
          {"local_top_k_union", 18},
          {"hamming_distance", 0.4},
          {"contraction", 0.6},
          {"top_k_contraction", 0.5},
          {"contraction_bound", 0.7},
          {"residue_quantiles", {0.0, 0.1, 1.0}},
          {"mean_residue_quantiles", {0.0, 0.05, 0.5}}};
}

TEST(RunSection, SplitsTheTimeOfAStep) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0, 1.0, 0.5});
  const Section section = section_of(directory);
  // 10 ms: compute 6; half of the exchange is exposed, so half of 2 for compressing: 1; exposed 1; rest 2.
  const std::vector<Table> tables = all_of<Table>(section.blocks);
  ASSERT_EQ(tables.size(), 4u);
  EXPECT_THAT(tables[2].rows,
              ElementsAre(ElementsAre("run", "10.0", "6.00", "1.00", "1.00", "2.00", "104", "5.00", "130")));
  const std::string bars = figure_titled(section, "Time of a step");
  EXPECT_THAT(bars, HasSubstr("<title>compute: 6.00 ms</title>"));
  EXPECT_THAT(bars, HasSubstr("<title>rest: 2.00 ms</title>"));
  const std::string bytes = figure_titled(section, "Bytes of a step, by what they are");
  EXPECT_THAT(bytes, HasSubstr("<title>indices: 60 B</title>"));
  EXPECT_THAT(bytes, HasSubstr(">130 B</text>"));
}

TEST(RunSection, DrawsLossAndAccuracy) {
  const ScratchDirectory directory;
  write_run(directory, "run", "none", {2.0, 1.0, 0.5});
  const Section section = section_of(directory);
  const std::string loss = figure_titled(section, "loss");
  EXPECT_EQ(count_of(loss, ">training</text>"), 1u);
  EXPECT_EQ(count_of(loss, ">test</text>"), 1u);
  EXPECT_THAT(figure_titled(section, "accuracy"), Not(IsEmpty()));
  EXPECT_THAT(figure_titled(section, "BLEU"), IsEmpty());
}

TEST(RunSection, AsksForLayersThatWereNotLogged) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0});
  const Table layers = all_of<Table>(section_of(directory).blocks).back();
  EXPECT_THAT(layers.caption, HasSubstr("--log-layers"));
  EXPECT_THAT(
      layers.rows,
      ElementsAre(ElementsAre("conv.weight", "convolution", "120", "compressed", "compressed", "compressed"),
                  ElementsAre("conv.bias", "bias", "10", "10", "40", "1.00"),
                  ElementsAre("all layers", "", "130", "22", "104", "5.00")));  // 4 * 130 / 104
}

TEST(RunSection, HasARowAndABarForEachLayer) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0});
  directory.write("run/layers.jsonl", layer_row(0, "conv.weight", 120, 6, 16.0).dump() + "\n" +
                                          layer_row(2, "conv.weight", 120, 9, 24.0).dump() + "\n");
  const Section section = section_of(directory);
  // Medians of 6 and 9, and of 16 and 24; 480 bytes by 20.
  EXPECT_THAT(all_of<Table>(section.blocks).back().rows,
              Contains(ElementsAre("conv.weight", "convolution", "120", "8", "20", "24.0")));
  EXPECT_THAT(figure_titled(section, "Payload bytes of a step, by layer"), HasSubstr(">20 B</text>"));
  // 120 elements are 3 bins of 50 or less: 2 and 3 elements a bin, on an axis from 2 to 3.2 (0.2 apart): 260
  // pixels up from 334.
  EXPECT_THAT(figure_titled(section, "Elements sent in a bin"), HasSubstr("points=\"78,334 798,117.3\""));
  EXPECT_THAT(figure_titled(section, "Norms by layer"), HasSubstr(">residue</text>"));
}

// Of kinds with several compressed layers; a dense one is no part of them.
TEST(RunSection, AddsUpTheCompressedLayersOfAKind) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0});
  json description = run_description("adacomp");
  for (const char* name : {"first", "a", "b"}) {
    description["parameters"].push_back(
        {{"name", name}, {"kind", "convolution"}, {"elements", 1000}, {"compressed", name[0] != 'f'}});
  }
  directory.write("run/run.json", description.dump());
  directory.write("run/layers.jsonl", layer_row(0, "first", 1000, 1000, 4000.0).dump() + "\n" +
                                          layer_row(0, "a", 1000, 10, 30.0).dump() + "\n" +
                                          layer_row(0, "b", 1000, 20, 50.0).dump() + "\n");
  const Table layers = all_of<Table>(section_of(directory).blocks).back();
  ASSERT_EQ(layers.rows.size(), 5u);  // 8000 bytes by 80
  EXPECT_THAT(layers.rows[3], ElementsAre("all 2 compressed", "convolution", "2,000", "30", "80", "100"));
}

TEST(RunSection, ShowsWhatDiagnosticsTell) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0});
  std::string rows;
  for (int step = 0; step < 3; ++step) rows += diagnostic_row(step, "conv.weight").dump() + "\n";
  directory.write("run/diagnostics.jsonl", rows);
  const Section section = section_of(directory);
  for (const char* title : {"Elements sent in a bin", "95th percentile of magnitudes",
                            "Cosine distance between learners' residues",
                            "Hamming distance of what is sent to the top k of the mean",
                            "Contraction: what part of the learners' mean a step leaves unsent",
                            "Gradient build-up: indices of all learners together",
                            "Quantiles of a residue against the mean residue"}) {
    EXPECT_THAT(figure_titled(section, title), Not(IsEmpty())) << title;
  }
  // Build-up: 12 and 18 by 6 are 2 and 3 on an axis from 0 to 4: half of 260 pixels up from 334, and three
  // quarters.
  const std::string build_up = figure_titled(section, "Gradient build-up: indices of all learners together");
  EXPECT_THAT(build_up, HasSubstr("points=\"78,204 268,204 458,204\""));
  EXPECT_THAT(build_up, HasSubstr("points=\"78,139 268,139 458,139\""));
  const std::string contraction =
      figure_titled(section, "Contraction: what part of the learners' mean a step leaves unsent");
  EXPECT_EQ(count_of(contraction, ">bound (ScaleCom, lemma 1)</text>"), 1u);
}

TEST(RunSection, NamesNoBoundWhereThereIsNone) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0});
  json row = diagnostic_row(0, "conv.weight");
  row.erase("contraction_bound");
  directory.write("run/diagnostics.jsonl", row.dump() + "\n");
  const std::string contraction = figure_titled(
      section_of(directory), "Contraction: what part of the learners' mean a step leaves unsent");
  EXPECT_EQ(count_of(contraction, ">this run</text>"), 1u);
  EXPECT_EQ(count_of(contraction, "bound"), 0u);
}

TEST(RunSection, DrawsTheLargestLayersAndSaysSo) {
  const ScratchDirectory directory;
  write_run(directory, "run", "topk", {2.0});
  std::string rows;
  for (int i = 0; i < 9; ++i) {
    rows += layer_row(0, "layer" + std::to_string(i), 100 + (i == 3 ? 0 : i + 1), 5, 20).dump() + "\n";
  }
  directory.write("run/layers.jsonl", rows);
  const Section section = section_of(directory);
  // Layers 3, with 100 elements, and 0, with 101, are the smallest.
  const std::string norms = figure_titled(section, "Norms by layer");
  EXPECT_EQ(count_of(norms, ">layer3</text>") + count_of(norms, ">layer0</text>"), 0u);
  EXPECT_EQ(count_of(norms, ">layer1</text>"), 1u);
  EXPECT_THAT(all_of<Figure>(section.blocks).back().caption, HasSubstr("7 of 9 layers"));
}

TEST(RunSection, HasFewerPointsWhereAPageShowsManyRuns) {
  EXPECT_EQ(most_points_of(1), 300u);
  EXPECT_EQ(most_points_of(5), 300u);
  EXPECT_EQ(most_points_of(15), 100u);
  EXPECT_EQ(most_points_of(1000), 40u);
  EXPECT_EQ(most_points_of(0), 300u);
  const ScratchDirectory directory;
  write_run(directory, "run", "none", std::vector<double>(500, 2.0));
  const RunLog run = read_run_log(directory.path() / "run");
  const std::string loss = figure_titled(run_section(run, "run", 40), "loss");
  const std::size_t begin = loss.find("points=\"");
  const std::string points = loss.substr(begin, loss.find("\"", begin + 8) - begin);
  EXPECT_EQ(count_of(points, ","), 40u);  // between x and y
}

TEST(RunSection, IsThereForARunThatHasJustBegun) {
  const ScratchDirectory directory;
  std::filesystem::create_directories(directory.path() / "run");
  directory.write("run/run.json", run_description("none").dump());
  const Section section = section_of(directory);
  EXPECT_THAT(all_of<Paragraph>(section.blocks)[0].text, HasSubstr("There is no steps.jsonl."));
  EXPECT_THAT(all_of<Figure>(section.blocks), IsEmpty());
  directory.write("run/steps.jsonl", "");
  directory.write("run/epochs.jsonl", "");
  directory.write("run/layers.jsonl", "");
  EXPECT_THAT(all_of<Figure>(section_of(directory).blocks), IsEmpty());
}

}  // namespace
}  // namespace sterna::report
