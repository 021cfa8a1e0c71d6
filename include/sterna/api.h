// What marks the names that the installed library exports: everything else in it is hidden. And what a
// program must be compiled with, said where it is not, by every header of the interface.
#pragma once

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "Sterna's interface needs C++20: compile with -std=c++20 or later"
#endif

#include <version>  // says of libstdc++ which std::string it has

#if defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
#error "libsterna links with C++11's std::string: compile with -D_GLIBCXX_USE_CXX11_ABI=1"
#endif

#define STERNA_API __attribute__((visibility("default")))
