# What every target shares: the default build type, ccache and mold where they are found, sanitizers by preset.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

find_program(FICUS_CCACHE ccache)
if(FICUS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${FICUS_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FICUS_CCACHE})
endif()

find_program(FICUS_MOLD mold)
if(FICUS_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(FICUS_SANITIZE "" CACHE STRING "address,undefined or thread; empty for none")
if(FICUS_SANITIZE)
  add_compile_options(-fsanitize=${FICUS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FICUS_SANITIZE})
endif()

add_compile_options(-fdiagnostics-color=auto -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
