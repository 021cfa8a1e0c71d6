#include "runtime/doctor/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sterna::doctor {
namespace {

using testing::IsEmpty;
using testing::Not;

constexpr const char* kMeminfo =
    "MemTotal:       8000000 kB\nMemFree:        1000000 kB\nMemAvailable:   4000000 kB\n";

TEST(AvailableMemory, IsTheMachinesWhereNoGroupLimitsIt) {
  EXPECT_EQ(available_memory(kMeminfo, "max\n", "12345\n"), 4000000u * 1024);
  EXPECT_EQ(available_memory(kMeminfo, "", ""), 4000000u * 1024);  // there is no such file
}

TEST(AvailableMemory, IsWhatTheGroupLeavesWhereThatIsLess) {
  EXPECT_EQ(available_memory(kMeminfo, "1000000000\n", "400000000\n"), 600000000u);
  EXPECT_EQ(available_memory(kMeminfo, "90000000000\n", "400000000\n"), 4000000u * 1024);
  EXPECT_EQ(available_memory(kMeminfo, "1000\n", "2000\n"), 0u);  // the limit was lowered
}

TEST(MachineFacts, AreOfThisMachine) {
  const MachineFacts facts = look_at_machine();
  EXPECT_THAT(facts.host, Not(IsEmpty()));
  EXPECT_THAT(facts.cores, Not(IsEmpty()));
  EXPECT_GT(facts.available_bytes, 0u);
  EXPECT_GT(facts.open_files, 0u);
}

TEST(MachineFacts, GoThroughTextAndBack) {
  const MachineFacts facts = {.host = "a\"b",
                              .program = "1.0",
                              .libraries = "mpi",
                              .vector_units = "AVX2",
                              .cores = {0, 5},
                              .available_bytes = std::uint64_t{1} << 60,
                              .open_files = 1024,
                              .settings = {{"x", "1"}},
                              .clock_offset_seconds = -0.25,
                              .data = "3 files",
                              .data_error = "none"};
  const MachineFacts back = facts_from_text(to_text(facts));
  EXPECT_EQ(back.host, facts.host);
  EXPECT_EQ(back.program, facts.program);
  EXPECT_EQ(back.libraries, facts.libraries);
  EXPECT_EQ(back.vector_units, facts.vector_units);
  EXPECT_EQ(back.cores, facts.cores);
  EXPECT_EQ(back.available_bytes, facts.available_bytes);
  EXPECT_EQ(back.open_files, facts.open_files);
  EXPECT_EQ(back.settings, facts.settings);
  EXPECT_EQ(back.clock_offset_seconds, facts.clock_offset_seconds);
  EXPECT_EQ(back.data, facts.data);
  EXPECT_EQ(back.data_error, facts.data_error);
}

}  // namespace
}  // namespace sterna::doctor
