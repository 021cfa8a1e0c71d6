#include "runtime/doctor/data_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::doctor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(DataDigest, CountsFilesAndBytesInAllFolders) {
  const test::ScratchDirectory directory;
  directory.write("a", "123");
  std::filesystem::create_directory(directory.path() / "folder");
  directory.write("folder/b", "45");
  EXPECT_THAT(data_digest(directory.path()), StartsWith("2 files, 5 bytes, hash "));
}

TEST(DataDigest, IsTheSameForCopies) {
  const test::ScratchDirectory one, two;
  for (const test::ScratchDirectory* directory : {&one, &two}) {
    directory->write("a", "123");
    directory->write("b", std::string((1u << 20) + 1, 'x'));
  }
  EXPECT_EQ(data_digest(one.path()), data_digest(two.path()));
}

TEST(DataDigest, ChangesWithAByteANameAndWhereOneFileEnds) {
  const test::ScratchDirectory directory;
  directory.write("a", "123");
  directory.write("b", "45");
  const std::string digest = data_digest(directory.path());
  directory.write("b", "46");
  EXPECT_NE(data_digest(directory.path()), digest);
  directory.write("a", "12");
  directory.write("b", "345");
  EXPECT_NE(data_digest(directory.path()), digest);
  directory.write("a", "123");
  directory.write("b", "45");
  EXPECT_EQ(data_digest(directory.path()), digest);
  std::filesystem::rename(directory.path() / "b", directory.path() / "c");
  EXPECT_NE(data_digest(directory.path()), digest);
}

TEST(DataDigest, RefusesWhatIsNoDirectory) {
  const test::ScratchDirectory directory;
  EXPECT_THAT(test::message_of<ConfigError>([&] { (void)data_digest(directory.path() / "none"); }),
              HasSubstr("is no directory here"));
  EXPECT_THAT(test::message_of<ConfigError>([&] { (void)data_digest(directory.write("a", "1")); }),
              HasSubstr("is no directory here"));
}

}  // namespace
}  // namespace sterna::doctor
