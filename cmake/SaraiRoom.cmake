# One room = one static library `sarai_<room>` whose includes are "room/header.h" from src/.
#
#   sarai_room(wire SOURCES a.cc b.cc DEPS sarai_types Boost::json)
#   sarai_room_tests(wire SOURCES a_test.cc b_test.cc [DEPS …] [DATA dir])
#
# Tests become one executable per room, `wire_test`, registered test by test with CTest.
function(sarai_room ROOM)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(sarai_${ROOM} STATIC ${ARG_SOURCES})
  target_include_directories(sarai_${ROOM} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(sarai_${ROOM} PUBLIC ${ARG_DEPS} PRIVATE sarai_warnings ${ARG_PRIVATE_DEPS})
endfunction()

function(sarai_room_tests ROOM)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT SARAI_TESTS)
    return()
  endif()
  add_executable(${ROOM}_test ${ARG_SOURCES})
  target_link_libraries(${ROOM}_test PRIVATE
    sarai_${ROOM} sarai_warnings GTest::gmock_main ${ARG_DEPS})
  # Under sanitizers the rooms are what matters; their tests take long enough to compile as it is.
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${ROOM}_test PRIVATE -O0
      $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=fuzzer-no-link>)
  endif()
  target_compile_definitions(${ROOM}_test PRIVATE
    SARAI_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/golden"
    SARAI_BUILD_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${ROOM}_test TEST_PREFIX ${ROOM}. DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 120)
endfunction()
