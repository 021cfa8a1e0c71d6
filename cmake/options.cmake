# What every target of this project is compiled with, in one interface target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_RELEASE "-O3")

add_library(sterna_options INTERFACE)
add_library(sterna::options ALIAS sterna_options)
target_include_directories(sterna_options INTERFACE ${PROJECT_SOURCE_DIR})
set(cxx_options
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  # A fused multiply-add rounds once where two operations round twice: the same source must give the same bits
  # in every file and on every machine, so contraction is off.
  -ffp-contract=off)
# The same of kernels, whose bodies the C++ compiler sees as well (runtime/device). A kernel that spills registers is slow.
set(cuda_options
  --expt-relaxed-constexpr -fmad=false -Xcompiler=-Wall,-Wextra,-ffp-contract=off -Xptxas=-warn-spills)
if(STERNA_WARNINGS_AS_ERRORS)
  list(APPEND cxx_options -Werror)
  list(APPEND cuda_options -Werror=all-warnings -Xptxas=-Werror)
endif()
if(STERNA_SANITIZE)
  # GCC 12's instrumentation makes it report members of std::function inside std::regex as uninitialised.
  list(APPEND cxx_options -fsanitize=${STERNA_SANITIZE} -fno-sanitize-recover=all -Wno-maybe-uninitialized)
  target_link_options(sterna_options INTERFACE -fsanitize=${STERNA_SANITIZE})
endif()
target_compile_options(sterna_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${cxx_options}>" "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_options}>")
if(STERNA_COVERAGE)
  # Atomic: several threads count the same lines.
  target_compile_options(sterna_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:--coverage;-fprofile-update=atomic>")
  target_link_options(sterna_options INTERFACE --coverage)
endif()

# sterna_add_library(<name> SOURCES <file>... [PUBLIC <target>...] [PRIVATE <target>...])
# A static library sterna_<name>, alias sterna::<name>. What it may include is what it links.
function(sterna_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(sterna_${name} STATIC ${arg_SOURCES})
  add_library(sterna::${name} ALIAS sterna_${name})
  target_link_libraries(sterna_${name} PUBLIC sterna::options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()
