// Counts the program's allocations by operator new of 4096 bytes and more.
#pragma once

namespace sterna::models {

[[nodiscard]] int large_allocations_so_far();

}  // namespace sterna::models
