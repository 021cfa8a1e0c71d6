// What is said of made-up machines.
#include "runtime/doctor/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sterna::doctor {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

MachineFacts healthy(const std::string& host, std::vector<int> cores = {0, 1}) {
  return {.host = host,
          .program = "0.1.0",
          .libraries = "MPI 4",
          .vector_units = "AVX2",
          .cores = std::move(cores),
          .available_bytes = std::uint64_t{8} << 30,
          .open_files = 1024,
          .settings = {{"OMPI_MCA_btl_tcp_links", "2"}, {"OMPI_MCA_mpi_yield_when_idle", "1"}}};
}

std::vector<Finding> about(const std::string& subject, const std::vector<Finding>& findings) {
  std::vector<Finding> found;
  std::ranges::copy_if(findings, std::back_inserter(found),
                       [&](const Finding& finding) { return finding.subject == subject; });
  return found;
}

Finding only(const std::string& subject, const std::vector<MachineFacts>& ranks, int threads = 1) {
  const std::vector<Finding> found = about(subject, judge(ranks, threads));
  EXPECT_EQ(found.size(), 1u) << subject;
  return found.empty() ? Finding{} : found.front();
}

TEST(Judge, FindsNothingAmissWithHealthyMachines) {
  for (const Finding& finding :
       judge(std::vector{healthy("a"), healthy("a"), healthy("b"), healthy("b")}, 1)) {
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.subject << ": " << finding.text;
    EXPECT_THAT(finding.advice, IsEmpty());
  }
}

TEST(Judge, NamesTheRankOfAnotherBuild) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("b")};
  ranks[1].program = "0.2.0";
  const Finding finding = only("program", ranks);
  EXPECT_EQ(finding.verdict, Verdict::kProblem);
  EXPECT_EQ(finding.text, "0.1.0 on a, 0.2.0 on b (rank 1)");
}

TEST(Judge, WarnsOfOtherLibrariesAndProcessors) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("b")};
  ranks[1].libraries = "MPI 5";
  ranks[1].vector_units = "AVX-512";
  EXPECT_EQ(only("libraries", ranks).verdict, Verdict::kWarning);
  EXPECT_EQ(only("processors", ranks).verdict, Verdict::kWarning);
}

TEST(Judge, WarnsOfRanksThatAreNoNeighbours) {
  const Finding finding = only("ranks", {healthy("a"), healthy("b"), healthy("a"), healthy("b")});
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_EQ(finding.text, "4 ranks on 2 hosts: a, b");
  EXPECT_THAT(finding.advice, HasSubstr("--map-by slot"));
}

TEST(Judge, WarnsOfMoreThreadsThanCores) {
  const Finding finding = only("cores", {healthy("a"), healthy("a")}, /*threads=*/2);
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_EQ(finding.text, "a: 2 ranks x 2 threads on 2 cores");
  EXPECT_THAT(finding.advice, HasSubstr("try 1 rank here"));
}

// Two ranks on two cores are enough only if they are not the same one.
TEST(Judge, CountsTheCoresThatRanksOfAHostHaveTogether) {
  EXPECT_EQ(only("cores", {healthy("a", {0}), healthy("a", {1})}).verdict, Verdict::kOk);
  EXPECT_EQ(only("cores", {healthy("a", {0}), healthy("a", {0})}).verdict, Verdict::kWarning);
}

TEST(Judge, WarnsOfARankThatIsTiedToFewerCoresThanItHasThreads) {
  const Finding finding = only("cores", {healthy("a", {0}), healthy("a", {1, 2, 3})}, /*threads=*/2);
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_THAT(finding.text, HasSubstr("rank 0 is tied to 1 core"));
}

TEST(Judge, WarnsOfLittleMemoryForEachRank) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("a")};
  ranks[0].available_bytes = std::uint64_t{1} << 30;  // 0.5 GiB each is just enough
  EXPECT_EQ(only("memory", ranks).verdict, Verdict::kOk);
  ranks[0].available_bytes -= 2;
  EXPECT_EQ(only("memory", ranks).verdict, Verdict::kWarning);
}

TEST(Judge, WantsTwoFilesForEachRankAndSomeMore) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("a")};
  ranks[1].open_files = 2 * 2 + 128;
  EXPECT_EQ(only("open files", ranks).verdict, Verdict::kOk);
  ranks[1].open_files -= 1;
  const Finding finding = only("open files", ranks);
  EXPECT_EQ(finding.verdict, Verdict::kProblem);
  EXPECT_THAT(finding.advice, HasSubstr("ulimit -n 132"));
}

TEST(Judge, WarnsOfClocksThatAreMoreThanASecondApart) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("b")};
  ranks[1].clock_offset_seconds = -1.0;
  EXPECT_EQ(only("clocks", ranks).verdict, Verdict::kOk);
  ranks[1].clock_offset_seconds = -1.5;
  const Finding finding = only("clocks", ranks);
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_THAT(finding.text, HasSubstr("b is 1500.0 ms off"));
}

TEST(Judge, SaysNothingOfDataThatNobodyAskedFor) {
  EXPECT_THAT(about("data", judge(std::vector{healthy("a")}, 1)), IsEmpty());
}

TEST(Judge, WantsTheSameDataEverywhere) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("b")};
  for (MachineFacts& facts : ranks) facts.data = "3 files, hash 1";
  EXPECT_EQ(only("data", ranks).verdict, Verdict::kOk);
  ranks[1].data = "3 files, hash 2";
  EXPECT_EQ(only("data", ranks).verdict, Verdict::kProblem);
  ranks[1].data_error = "not there";
  const Finding finding = only("data", ranks);
  EXPECT_EQ(finding.verdict, Verdict::kProblem);
  EXPECT_EQ(finding.text, "not there (rank 1, b)");
}

TEST(Judge, NamesOpenMpisSettingsWhereRanksSpeakTcp) {
  std::vector<MachineFacts> ranks = {healthy("a"), healthy("b")};
  ranks[0].settings = {{"OMPI_MCA_btl_tcp_links", "1"}};
  const std::vector<Finding> findings = about("Open MPI", judge(ranks, 1));
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_THAT(findings[0].text, HasSubstr("mpi_yield_when_idle is not set"));
  EXPECT_THAT(findings[1].text, HasSubstr("btl_tcp_links is 1"));
  ranks[1].host = "a";  // one host: memory carries the messages
  EXPECT_THAT(about("Open MPI", judge(ranks, 1)), IsEmpty());
}

// Three links of 1 Gbit/s, and one of which one way has less than half of that.
TEST(JudgeLinks, WarnsOfALinkThatIsMuchSlowerThanTheOthers) {
  const std::vector<MachineFacts> ranks = {healthy("a"), healthy("b"), healthy("c")};
  const double gigabit = 125e6;
  const std::vector<Link> links = {
      {0, 1, 1e-4, gigabit, gigabit}, {0, 2, 1e-4, gigabit, gigabit}, {1, 2, 1e-4, gigabit, 60e6}};
  const std::vector<Finding> findings = judge_links(ranks, links);
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].verdict, Verdict::kWarning);  // the slowest comes first
  EXPECT_EQ(findings[0].text, "b to c: 1.00 Gbit/s, back 480.0 Mbit/s, 0.100 ms");
  EXPECT_EQ(findings[1].verdict, Verdict::kOk);
}

TEST(JudgeLinks, WarnsOfALinkThatIsSlowToAnswer) {
  const std::vector<MachineFacts> ranks = {healthy("a"), healthy("b")};
  const std::vector<Link> links = {{0, 1, 0.004, 1e9, 1e9}};
  EXPECT_THAT(judge_links(ranks, links)[0].advice, HasSubstr("slow to answer"));
}

TEST(JudgeLinks, ShowsTheSlowestOfMany) {
  std::vector<MachineFacts> ranks;
  for (int rank = 0; rank < 8; ++rank)
    ranks.push_back(healthy(std::string(1, static_cast<char>('a' + rank))));
  std::vector<Link> links;
  for (int a = 0; a < 8; ++a) {
    for (int b = a + 1; b < 8; ++b) links.push_back({a, b, 1e-4, 1e9, 1e9});
  }
  const std::vector<Finding> findings = judge_links(ranks, links);
  EXPECT_EQ(findings.size(), 11u);
  EXPECT_EQ(findings[0].text, "28 pairs of hosts, the median 8.00 Gbit/s; the slowest follow");
}

TEST(JudgeLinks, SaysNothingOfNoLinks) {
  EXPECT_THAT(judge_links(std::vector{healthy("a")}, {}), IsEmpty());
}

}  // namespace
}  // namespace sterna::doctor
