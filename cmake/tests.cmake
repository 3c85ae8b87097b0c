# Tests, each a CTest test with the label of its stage; the test presets name the stages.

# A test program of GoogleTest cases:
#   backsight_test(probes SOURCES craft_test.cc ROOMS probes tests/support)
#
# With THREADS: what it tests is shared by threads, so that it runs under ThreadSanitizer, too. The
# target thread_tests builds these.
function(backsight_test name)
  cmake_parse_arguments(TEST "OWN_MAIN;THREADS" "" "SOURCES;ROOMS;LINKS" ${ARGN})
  set(main GTest::gtest_main)
  if(TEST_OWN_MAIN)
    set(main GTest::gtest)
  endif()
  backsight_program(test_${name} SOURCES ${TEST_SOURCES} ROOMS ${TEST_ROOMS}
                    LINKS ${TEST_LINKS} GTest::gmock ${main})
  backsight_instrument_lightly(test_${name})
  target_precompile_headers(test_${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  target_compile_definitions(test_${name} PRIVATE
                             BACKSIGHT_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
  add_test(NAME ${name} COMMAND test_${name} --gtest_shuffle)
  set(labels unit)
  if(TEST_THREADS)
    list(APPEND labels threads)
    if(NOT TARGET thread_tests)
      add_custom_target(thread_tests)
    endif()
    add_dependencies(thread_tests test_${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT 1800)
endfunction()

# A fuzz target of libFuzzer: backsight_fuzz(fuzz_frame SOURCES fuzz_frame.cc ROOMS probes)
#
# Rooms are built with -fsanitize=fuzzer-no-link (the `fuzz` preset); the target links the engine.
#   build/fuzz/bin/fuzz_frame -max_total_time=60
set(BACKSIGHT_FUZZ_SECONDS 20 CACHE STRING "How long a fuzz target runs as a test")
function(backsight_fuzz name)
  cmake_parse_arguments(FUZZ "" "" "SOURCES;ROOMS;LINKS" ${ARGN})
  backsight_program(${name} SOURCES ${FUZZ_SOURCES} ROOMS ${FUZZ_ROOMS} LINKS ${FUZZ_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  if(NOT TARGET fuzz_targets)
    add_custom_target(fuzz_targets)
  endif()
  add_dependencies(fuzz_targets ${name})
  set(corpus ${CMAKE_BINARY_DIR}/corpus/${name})
  file(MAKE_DIRECTORY ${corpus} ${CMAKE_BINARY_DIR}/crashes)
  add_test(NAME ${name} COMMAND ${name} ${corpus} -max_total_time=${BACKSIGHT_FUZZ_SECONDS}
           -rss_limit_mb=2048 -print_final_stats=1
           -artifact_prefix=${CMAKE_BINARY_DIR}/crashes/${name}-)
  set_tests_properties(${name} PROPERTIES LABELS fuzz)
endfunction()

# Python's tests of the programs of this build, one CTest test a module:
#   backsight_python_tests(lab tests/lab)
function(backsight_python_tests label folder)
  file(GLOB modules CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/test_*.py)
  foreach(module ${modules})
    get_filename_component(name ${module} NAME_WE)
    string(REGEX REPLACE "^test_" "${label}_" test ${name})
    # Interrupted, a test takes down what it has put up.
    add_test(NAME ${test} COMMAND timeout --signal=INT 1500 python3 -m unittest -v ${name}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/${folder})
    set_tests_properties(${test} PROPERTIES LABELS ${label} TIMEOUT 1800
                         ENVIRONMENT "BACKSIGHT_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  endforeach()
endfunction()
