#include "server/remote/open_store.h"

#include "test/server/remote/store_verbs.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::string Why(std::string_view url, ErrorCode code = ErrorCode::kInvalidArgument) {
  const auto store = OpenStore(url, {});
  REQUIRE(CodeOf(store) == code);
  REQUIRE(CodeOf(CheckStoreUrl(url)) == code);
  REQUIRE(TextOf(CheckStoreUrl(url)) == TextOf(store));
  return TextOf(store);
}

}  // namespace

TEST_CASE("a store is opened by its URL", "[remote]") {
  const TempDirectory temp;
  const std::string url = "file://" + temp.File("new/folder%20b");
  REQUIRE(CheckStoreUrl(url).has_value());
  StoreOptions options;
  options.missing = MissingFolder::kRefuse;
  REQUIRE(CodeOf(OpenStore(url, options)) == ErrorCode::kNotFound);
  const auto store = OpenStore(url, {});
  REQUIRE(store.has_value());
  REQUIRE((*store)->url() == url);
  Put(**store, "k", "x");
  REQUIRE(Get(**OpenStore(url, options), "k") == "x");
}

TEST_CASE("a URL that cannot be opened says why, and what was probably meant", "[remote]") {
  REQUIRE(Why("") == "empty URL: not a URL; write file:///absolute/folder");
  REQUIRE(Why("backups") == "backups: not a URL; write file:///absolute/folder");
  REQUIRE(Why("/var/x") == "/var/x: a path, not a URL; write file:///var/x");
  REQUIRE(Why("flie:///x") == "flie:///x: unknown scheme; did you mean file://?");
  REQUIRE(Why("ftp://host/x") == "ftp://host/x: unknown scheme; write file:///absolute/folder");
  REQUIRE(Why("file://x/y").find("did you mean file:///x/y?") != std::string::npos);
  for (const char* url : {"s3://bucket/x", "gs://bucket/x", "gcs://bucket/x", "azure://box/x"}) {
    REQUIRE(Why(url, ErrorCode::kUnimplemented).find("is not built into this version") !=
            std::string::npos);
  }
}

TEST_CASE("messages about URLs repeat no secret", "[remote]") {
  for (const char* url : {"s3://AKIA:hunter2@bucket/x", "s3://bucket/x?key=hunter2",
                          "s3://b/x#hunter2", "s3s://u:hun/ter2hunter2@b/x", "file:///x?hunter2",
                          "file://u:hunter2@host/x", "user:hunter2@host", "file:x?hunter2"}) {
    CAPTURE(url);
    const auto store = OpenStore(url, {});
    REQUIRE(TextOf(store).find("hunter2") == std::string::npos);
  }
}

}  // namespace ficus
