#include "runtime/core/shared_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::StartsWith;

constexpr char kMaths[] = "libm.so.6";  // glibc's, which is there where a C++ program runs

TEST(SharedLibrary, FindsAFunctionByItsName) {
  double (*cosine)(double) = nullptr;
  SharedLibrary(kMaths, "install glibc").look_up("cos", cosine);
  ASSERT_NE(cosine, nullptr);
  EXPECT_EQ(cosine(0.0), 1.0) << "and the library outlives the object";
}

TEST(SharedLibrary, SaysWhatIsMissingWhyAndWhatToDo) {
  const auto remedy = EndsWith("); install it, or name its directory in LD_LIBRARY_PATH");
  EXPECT_THAT(test::message_of<ConfigError>([] { SharedLibrary("libnonesuch.so.7", "install it"); }),
              AllOf(StartsWith("cannot load libnonesuch.so.7 (libnonesuch.so.7: cannot open"), remedy));
  const SharedLibrary maths(kMaths, "install it");
  void (*function)() = nullptr;
  EXPECT_THAT(test::message_of<ConfigError>([&] { maths.look_up("nonesuch", function); }),
              AllOf(StartsWith("cannot load nonesuch of libm.so.6 ("), remedy));
  EXPECT_EQ(function, nullptr);
}

}  // namespace
}  // namespace sterna
