# Libraries from outside, all of them Debian packages (launch/setup.sh installs them).
set(MPI_DETERMINE_LIBRARY_VERSION ON)  # which MPI it is stands in what packaging/ installs
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(ZLIB REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# sterna_import_library(<target> HEADER <header> LIBRARY <name> [PATH_SUFFIXES <folder>]): a library that brings no CMake
# package of its own, or none that can be used here.
function(sterna_import_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;LIBRARY;PATH_SUFFIXES" "")
  string(TOUPPER ${arg_LIBRARY} prefix)
  find_path(${prefix}_INCLUDE_DIR ${arg_HEADER} PATH_SUFFIXES ${arg_PATH_SUFFIXES} REQUIRED)
  find_library(${prefix}_LIBRARY ${arg_LIBRARY} PATH_SUFFIXES ${arg_PATH_SUFFIXES} REQUIRED)
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION ${${prefix}_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${${prefix}_INCLUDE_DIR})
endfunction()

# oneDNN. Debian's own package configuration asks for OpenCL's headers, which we do not need.
sterna_import_library(DNNL::dnnl HEADER oneapi/dnnl/dnnl.hpp LIBRARY dnnl)
# OpenBLAS in its OpenMP build: the same thread pool as oneDNN and our own loops.
sterna_import_library(OpenBLAS::OpenBLAS HEADER cblas.h LIBRARY openblas PATH_SUFFIXES openblas-openmp)
# FFTW in single precision. Debian's package has no configuration for it.
sterna_import_library(FFTW3::fftw3f HEADER fftw3.h LIBRARY fftw3f)
# The TurboJPEG interface of libjpeg-turbo.
sterna_import_library(TurboJPEG::TurboJPEG HEADER turbojpeg.h LIBRARY turbojpeg)
sterna_import_library(xxHash::xxhash HEADER xxhash.h LIBRARY xxhash)
