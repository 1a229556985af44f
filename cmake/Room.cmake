# A room is one folder, one static library, one alias: engine/part becomes ficus::engine_part.
#
#   room(<path> [DEPENDS <path>...] [LINKS <target>...])
#   room_test(<path> [DEPENDS <path>...] [LINKS <target>...] [PROPERTIES <name> <value>...])
#
# The folder is the list of sources, so no source can be forgotten. A folder that holds no source and no header
# declares nothing. DEPENDS repeats the room's line of the `rooms` block in ARCHITECTURE.md; test/tidy_test.cc
# compares the two, and the includes with both. Target all_verify_interface_header_sets compiles every header alone.

function(ficus_target_defaults target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Part of clang's -Wconversion but not of g++'s.
    target_compile_options(${target} PRIVATE -Wno-sign-conversion)
  endif()
  if(FICUS_THREAD_SAFETY)
    target_compile_options(${target} PRIVATE -Wthread-safety -Werror=thread-safety)
  endif()
  if(FICUS_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The checks that sanitizers insert make the first two warnings of g++ 12 fire on correct code; the third is about
    # fences inside Asio, beside locks that the thread sanitizer does understand.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-restrict -Wno-tsan)
  endif()
endfunction()

# ficus_rooms(<variable> <path>...): the targets of those rooms that have sources already.
function(ficus_rooms variable)
  set(targets "")
  foreach(path IN LISTS ARGN)
    string(REPLACE "/" "_" name "${path}")
    if(TARGET ficus::${name})
      list(APPEND targets ficus::${name})
    endif()
  endforeach()
  set(${variable} ${targets} PARENT_SCOPE)
endfunction()

# ficus_plant_bugs(<source>...): those that include the switches are compiled with them.
function(ficus_plant_bugs)
  if(NOT FICUS_PLANTED_BUGS)
    return()
  endif()
  foreach(source IN LISTS ARGN)
    file(STRINGS ${source} switches REGEX "engine/base/planted_bug\\.h")
    if(switches)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS FICUS_PLANTED_BUGS)
    endif()
  endforeach()
endfunction()

# ficus_without_planted_bugs(<program>): fails the build of a program for others that holds such a switch.
function(ficus_without_planted_bugs program)
  if(NOT FICUS_PLANTED_BUGS)
    add_custom_command(TARGET ${program} POST_BUILD
      COMMAND sh -c "! nm -C $<TARGET_FILE:${program}> | grep -i planted" VERBATIM)
  endif()
endfunction()

function(room path)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LINKS" ${ARGN})
  string(REPLACE "/" "_" name "${path}")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${path}/*.cc)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${path}/*.h)
  list(FILTER sources EXCLUDE REGEX "_main\\.cc$")
  if(NOT sources AND NOT headers)
    return()
  endif()
  ficus_rooms(depends ${ROOM_DEPENDS})
  if(sources)
    set(scope PUBLIC)
    add_library(${name} STATIC ${sources})
    ficus_target_defaults(${name})
    ficus_plant_bugs(${sources})
  else()
    set(scope INTERFACE)
    add_library(${name} INTERFACE)
    target_compile_features(${name} INTERFACE cxx_std_20)
  endif()
  target_link_libraries(${name} ${scope} ${depends} ${ROOM_LINKS})
  target_include_directories(${name} ${scope} ${PROJECT_SOURCE_DIR})
  target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  add_library(ficus::${name} ALIAS ${name})
endfunction()

# One executable per room, one CTest entry per test case. A case that prints "SKIPPED:" (test/support/skip.h)
# counts as skipped.
function(room_test path)
  cmake_parse_arguments(TEST "" "" "DEPENDS;LINKS;PROPERTIES" ${ARGN})
  string(REPLACE "/" "_" name "${path}")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/${path}/*.cc)
  if(NOT sources)
    return()
  endif()
  ficus_rooms(depends ${path} ${TEST_DEPENDS})
  add_executable(${name}_test ${sources})
  ficus_plant_bugs(${sources})
  target_link_libraries(${name}_test PRIVATE ${depends} ${TEST_LINKS} ficus::test_support)
  ficus_target_defaults(${name}_test)
  catch_discover_tests(${name}_test TEST_PREFIX "${path}:" WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    PROPERTIES TIMEOUT 1800 SKIP_REGULAR_EXPRESSION "SKIPPED:" ${TEST_PROPERTIES})
endfunction()
