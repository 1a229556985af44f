#include "server/remote/store_url.h"

#include "test/server/remote/store_verbs.h"

namespace ficus {

TEST_CASE("a file URL names an absolute folder", "[remote]") {
  REQUIRE(*ParseFileUrl("file:///var/backups/ficus") == "/var/backups/ficus");
  REQUIRE(*ParseFileUrl("file:///var/") == "/var");
  REQUIRE(*ParseFileUrl("file:///a%20b/%C3%A4%25") == "/a b/\xc3\xa4%");
  for (const char* folder : {"/var/backups", "/a b/c%d?e#f", "/\xc3\xa4", "/x/~y"}) {
    REQUIRE(*ParseFileUrl(FileUrl(folder)) == folder);
  }
  REQUIRE(FileUrl("/a b?") == "file:///a%20b%3F");
}

TEST_CASE("a file URL that names none says what is wrong", "[remote]") {
  const auto why = [](std::string_view url) {
    REQUIRE(CodeOf(ParseFileUrl(url)) == ErrorCode::kInvalidArgument);
    return TextOf(ParseFileUrl(url));
  };
  REQUIRE(why("file://") == "file://: no folder; write file:///absolute/path");
  REQUIRE(why("file://backups/x") ==
          "file://backups/x: a host or a relative path; did you mean file:///backups/x?");
  for (const char* url :
       {"file:///", "file:////", "file:////var", "file:///a/../b", "file:///a/./b", "file:///a//b",
        "file:///a?x=1", "file:///a#b", "file:///a%2", "file:///a%zz", "file:///a%00b",
        "file:///%2e%2e/x", "file:/var", "FILE:///var", "http://x", ""}) {
    CAPTURE(url);
    REQUIRE_FALSE(why(url).empty());
  }
}

TEST_CASE("what of a URL may be said aloud", "[remote]") {
  REQUIRE(WithoutSecrets("s3://key:secret@bucket/a/b?x=1#y") == "s3://bucket/a/b");
  REQUIRE(WithoutSecrets("file:///a@b") == "file:///a@b");
  REQUIRE(WithoutSecrets("key:secret@x") == "x");
  REQUIRE(WithoutSecrets("s3://a\n\x1b[0m\xff") == "s3://a??[0m\xef\xbf\xbd");
  REQUIRE(WithoutSecrets(std::string(10'000, 'x')).size() < 400);
  REQUIRE(WithoutSecrets("").empty());
}

}  // namespace ficus
