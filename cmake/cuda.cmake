# CUDA and NCCL, where they are built: STERNA_CUDA is AUTO (if this machine has nvcc and NCCL), ON or OFF. Sets
# STERNA_HAS_CUDA, and makes the targets CUDA::cudart_static and NCCL::NCCL. The driver is never linked, so that the
# program starts on machines without a GPU. Where cuBLAS and cuDNN are there too, STERNA_HAS_CUDNN is set: layers run on
# a GPU. These two are loaded when they are asked for, like NCCL: what is built needs their headers alone.
set(STERNA_CUDA AUTO CACHE STRING "Build for NVIDIA GPUs: AUTO, ON or OFF")
set_property(CACHE STERNA_CUDA PROPERTY STRINGS AUTO ON OFF)
set(STERNA_HAS_CUDA OFF)
set(STERNA_HAS_CUDNN OFF)
if(STERNA_CUDA STREQUAL "OFF")
  return()
endif()

find_program(STERNA_NVCC nvcc HINTS /usr/local/cuda/bin)
if(STERNA_NVCC)
  get_filename_component(toolkit "${STERNA_NVCC}" DIRECTORY)
  set(CUDAToolkit_ROOT "${toolkit}/.." CACHE PATH "CUDA toolkit")
  # Where 3.25 is required, CMake 3.25.1 sets a property of CUDA::nvToolsExt, and ends if there is none, as in CUDA 13.
  set(required ${CMAKE_MINIMUM_REQUIRED_VERSION})
  set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
  find_package(CUDAToolkit 12.8 QUIET)
  set(CMAKE_MINIMUM_REQUIRED_VERSION ${required})
  find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR})
endif()
if(NOT STERNA_NVCC OR NOT CUDAToolkit_FOUND OR NOT NCCL_INCLUDE_DIR OR NOT NCCL_LIBRARY)
  if(STERNA_CUDA STREQUAL "ON")
    message(FATAL_ERROR "STERNA_CUDA=ON: needs nvcc 12.8 or newer, and NCCL with nccl.h; set STERNA_NVCC, NCCL_INCLUDE_DIR "
                        "and NCCL_LIBRARY, or build with -DSTERNA_CUDA=OFF")
  endif()
  message(STATUS "No CUDA toolkit with NCCL: building for CPUs alone")
  return()
endif()

set(CMAKE_CUDA_COMPILER ${STERNA_NVCC} CACHE FILEPATH "nvcc")
# Ampere, Hopper, Blackwell; the last one's PTX serves what is newer.
set(CMAKE_CUDA_ARCHITECTURES "80-real;90-real;100" CACHE STRING "GPUs to build for")
enable_language(CUDA)
# CMake 3.25 has no entry for this dialect of nvcc.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)

add_library(NCCL::NCCL UNKNOWN IMPORTED GLOBAL)
set_target_properties(NCCL::NCCL PROPERTIES
  IMPORTED_LOCATION ${NCCL_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${NCCL_INCLUDE_DIR})
set(STERNA_HAS_CUDA ON)

find_path(CUBLAS_INCLUDE_DIR cublas_v2.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(CUBLAS_LIBRARY cublas HINTS ${CUDAToolkit_LIBRARY_DIR})
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
if(CUBLAS_INCLUDE_DIR AND CUBLAS_LIBRARY AND CUDNN_INCLUDE_DIR AND CUDNN_LIBRARY)
  set(STERNA_HAS_CUDNN ON)
else()
  message(STATUS "No cuBLAS with cuDNN 9: models are trained on CPUs alone; CUDNN_INCLUDE_DIR and CUDNN_LIBRARY say where")
endif()
