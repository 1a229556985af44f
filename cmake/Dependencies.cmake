# Every library the product uses, once, under the alias the rooms name. All of them come from Debian 12.
# Which room may use which library is checked by test/tidy_test.cc.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED)
find_package(CLI11 REQUIRED)
find_package(roaring REQUIRED)
find_package(ZLIB REQUIRED)
find_package(absl REQUIRED)

# ficus_library(<alias> <target>...): the interface library ficus::<alias>.
function(ficus_library alias)
  add_library(ficus_${alias} INTERFACE)
  target_link_libraries(ficus_${alias} INTERFACE ${ARGN})
  add_library(ficus::${alias} ALIAS ficus_${alias})
endfunction()

# ficus_pkg(<alias> <pkg-config module>): the same for a library that only pkg-config knows.
function(ficus_pkg alias module)
  pkg_check_modules(${alias}_pkg REQUIRED IMPORTED_TARGET ${module})
  ficus_library(${alias} PkgConfig::${alias}_pkg)
endfunction()

ficus_pkg(zstd libzstd)
ficus_pkg(xxhash libxxhash)
ficus_pkg(uring liburing)
ficus_pkg(yaml yaml-cpp)
ficus_pkg(spdlog spdlog)
ficus_pkg(curl libcurl)
ficus_pkg(pugixml pugixml)
ficus_library(roaring roaring::roaring)
ficus_library(json Boost::json)
ficus_library(url Boost::url)
ficus_library(openssl OpenSSL::Crypto)
ficus_library(openssl_tls OpenSSL::SSL)
ficus_library(crypt crypt)
ficus_library(zlib ZLIB::ZLIB)
ficus_library(absl_time absl::time)
ficus_library(absl_symbolize absl::symbolize)

ficus_library(asio Boost::headers Threads::Threads)
target_compile_definitions(ficus_asio INTERFACE BOOST_ASIO_NO_DEPRECATED)

# The daemon's allocator; sanitizers bring their own.
if(NOT FICUS_SANITIZE AND NOT FICUS_FUZZ)
  ficus_pkg(jemalloc jemalloc)
else()
  ficus_library(jemalloc)
endif()

if(FICUS_TESTS)
  find_package(Catch2 2.13 REQUIRED)
endif()
