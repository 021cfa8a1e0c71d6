// When an optimizer's loop is worth several threads.
#pragma once

#include <cstddef>

namespace sterna::optim {

// Below this a step takes some ten microseconds, about what it costs to wake a thread.
inline constexpr std::size_t kParallelElements = std::size_t{1} << 16;

}  // namespace sterna::optim
