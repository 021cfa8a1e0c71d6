// The program file itself.
#pragma once

#include <string>

namespace sterna {

// A 64-bit hash of the running program's file, as 16 hexadecimal digits: ranks that differ in it run
// different builds.
[[nodiscard]] std::string executable_hash();

}  // namespace sterna
