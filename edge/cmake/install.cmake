# For programs of others: `cmake --install build/_edge --prefix DIR`, then
#   find_package(edgewright 0.1 REQUIRED)
#   target_link_libraries(program PRIVATE edgewright::edgewright)
# with DIR in CMAKE_PREFIX_PATH.  The libraries are static; ncnn, built for the layers of packs, comes with them.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(DIRECTORY include/edgewright DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES $<TARGET_FILE:edgewright> $<TARGET_FILE:ncnn> DESTINATION ${CMAKE_INSTALL_LIBDIR}/edgewright)
install(PROGRAMS $<TARGET_FILE:edgebench> DESTINATION ${CMAKE_INSTALL_BINDIR})

set(EDGEWRIGHT_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/edgewright)
configure_package_config_file(cmake/edgewright-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/edgewright-config.cmake
  INSTALL_DESTINATION ${EDGEWRIGHT_CMAKE_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/edgewright-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/edgewright-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/edgewright-config-version.cmake DESTINATION ${EDGEWRIGHT_CMAKE_DIR})
