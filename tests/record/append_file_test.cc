#include "runtime/record/append_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::record {
namespace {

using test::bytes_of;
using test::ScratchDirectory;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(AppendFile, GrowsAndTakesANewFront) {
  const ScratchDirectory directory;
  const auto path = directory.write("log", "what an earlier run has left");
  AppendFile file(path);
  file.append("0000 one\n");
  file.append("two\n");
  file.rewrite_front("1234");
  file.append("three\n");
  EXPECT_EQ(bytes_of(path), "1234 one\ntwo\nthree\n");
}

TEST(AppendFile, IsOfOneWriterAtATime) {
  const ScratchDirectory directory;
  const auto path = directory.path() / "log";
  EXPECT_FALSE(is_being_written(path));  // it is not there
  std::optional<AppendFile> first(path);
  first->append("mine");
  EXPECT_TRUE(is_being_written(path));
  EXPECT_THAT([&] { const AppendFile second(path); },
              ThrowsMessage<ConfigError>(HasSubstr("log: another process is writing it; choose another")));
  EXPECT_EQ(bytes_of(path), "mine");
  first.reset();
  EXPECT_FALSE(is_being_written(path));
  const AppendFile second(path);
  EXPECT_EQ(bytes_of(path), "");
}

TEST(WholeFile, IsOfOneWriterAtATime) {
  const ScratchDirectory directory;
  const auto path = directory.path() / "weights";
  WholeFile first(path);
  first.append("first");
  EXPECT_THAT([&] { const WholeFile second(path); },
              ThrowsMessage<ConfigError>(HasSubstr("weights: another process is writing it")));
  first.finish();
  EXPECT_EQ(bytes_of(path), "first");
  WholeFile second(path);  // the first one has let go of the name it was made under
  second.append("second");
  EXPECT_EQ(bytes_of(path), "first");
  second.finish();
  EXPECT_EQ(bytes_of(path), "second");
}

TEST(WholeFile, NamesTheFileThatWasAskedFor) {
  const ScratchDirectory directory;
  EXPECT_THAT([&] { WholeFile(directory.path() / "nowhere" / "file"); },
              ThrowsMessage<ConfigError>(HasSubstr("nowhere/file: cannot make it")));
}

}  // namespace
}  // namespace sterna::record
