#include "models/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model.h"
#include "runtime/core/errors.h"

namespace sterna::models {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(ModelArguments, AreReadWithTheirDefaults) {
  const std::vector<std::string> texts = {"depth=32", "dropout=0.25"};
  ModelArguments arguments("some-model", texts);
  EXPECT_EQ(arguments.whole("depth", 20), 32u);
  EXPECT_EQ(arguments.whole("width", 16), 16u);
  EXPECT_EQ(arguments.real("dropout", 0.0, 0.0, 1.0), 0.25);
  EXPECT_NO_THROW(arguments.require_all_read());
}

TEST(ModelArguments, RefuseWhatIsNoPairAndANameTwice) {
  for (const char* text : {"depth", "=3", ""}) {
    EXPECT_THAT(([&] { ModelArguments("some-model", std::vector<std::string>{text}); }),
                ThrowsMessage<ConfigError>(HasSubstr("must be name=value")));
  }
  EXPECT_THAT(([] {
                ModelArguments("some-model", std::vector<std::string>{"depth=1", "depth=2"});
              }),
              ThrowsMessage<ConfigError>(HasSubstr("depth is given twice")));
}

TEST(ModelArguments, RefuseANumberThatIsNoneOrOutOfRange) {
  for (const char* text : {"depth=", "depth=two", "depth=2.5", "depth=-1", "depth=0", "depth=9"}) {
    const std::vector<std::string> texts = {text};
    ModelArguments arguments("some-model", texts);
    EXPECT_THAT([&] { (void)arguments.whole("depth", 4, 2, 8); },
                ThrowsMessage<ConfigError>(HasSubstr("some-model takes depth (4; 2 to 8)")))
        << text;
  }
  for (const char* text : {"dropout=nan", "dropout=1.5", "dropout=x"}) {
    const std::vector<std::string> texts = {text};
    ModelArguments arguments("some-model", texts);
    EXPECT_THAT([&] { (void)arguments.real("dropout", 0.0, 0.0, 1.0); },
                ThrowsMessage<ConfigError>(HasSubstr("some-model takes dropout (0; 0 to 1)")))
        << text;
  }
}

TEST(ModelArguments, RefuseWhatTheModelDoesNotHave) {
  const std::vector<std::string> texts = {"dept=32"};
  ModelArguments arguments("some-model", texts);
  (void)arguments.whole("depth", 20);
  EXPECT_THAT([&] { arguments.require_all_read(); },
              ThrowsMessage<ConfigError>(AllOf(HasSubstr("dept: some-model has"), HasSubstr("depth (20;"))));
  EXPECT_THAT([&] { (void)make_model("lenet", 1, texts); },
              ThrowsMessage<ConfigError>(HasSubstr("dept: lenet has no arguments")));
}

}  // namespace
}  // namespace sterna::models
