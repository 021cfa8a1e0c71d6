// What a reader expects of bytes from another rank, and the error of those that are not so. Internal to the
// wire.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/core/errors.h"
#include "runtime/wire/message.h"

namespace sterna::wire {

struct Expectation {
  const MessageKey& key;

  void require(std::string_view what, std::uint64_t got, std::uint64_t expected) const {
    if (got != expected) fail(what, got, cat("expected ", expected));
  }

  [[noreturn]] void fail(std::string_view what, std::uint64_t got, std::string_view expected) const {
    throw WireError(cat("[wire] step ", key.step, ", bucket ", key.bucket, ", from learner ",
                        key.first_learner, ": ", what, " = ", got, ", ", expected,
                        "; do all ranks run the same build and settings?"));
  }
};

}  // namespace sterna::wire
