# `cpack` in a build directory: a package for Debian 12, with program, library and headers in one.
set(STERNA_PACKAGE_CONTACT "Sterna developers <maintainers@sterna.invalid>" CACHE STRING
  "Maintainer of the packages, name and address; set it before you hand a package on")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sterna)
set(CPACK_PACKAGE_VENDOR Sterna)
set(CPACK_PACKAGE_CONTACT ${STERNA_PACKAGE_CONTACT})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "data-parallel training with compressed gradients")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/debian.cmake)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Workers under mpirun train a model, squeeze each gradient about a hundred
times with AdaComp or ScaleCom, exchange real packed bytes, and log what they
sent. A run gives the same bits on any number of ranks.
.
The package holds the program sterna; a library with headers and a CMake
package, to exchange the gradients of a training loop of your own; and
configurations and scripts to start runs with.")
# From what program and library link, by dpkg-shlibdeps; and mpirun, and the build of OpenBLAS that shares its threads
# with oneDNN (any OpenBLAS would satisfy the linker).
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin, libopenblas0-openmp")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, g++, curl")  # own loops, fetch_data.sh
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
