#include "server/ctl/remote.h"

#include <filesystem>

#include "test/server/ctl/ctl_harness.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

TEST_CASE("remote test tries a folder and leaves no object", "[ctl][remote]") {
  const TempDirectory temp;
  const std::string url = "file://" + temp.File("new");
  const Outcome missing = RunCtl({"remote", "test", url});
  REQUIRE(missing.code == 6);
  REQUIRE(missing.ErrHas("--create makes it"));
  REQUIRE_FALSE(std::filesystem::exists(temp.File("new")));

  const Outcome tested = RunCtl({"remote", "test", url, "--create"});
  INFO(tested.out << tested.err);
  REQUIRE(tested.code == 0);
  REQUIRE(tested.OutHas("put if absent"));
  REQUIRE(tested.OutHas("clean up"));
  REQUIRE_FALSE(tested.OutHas("FAILED"));
  REQUIRE_FALSE(std::filesystem::exists(temp.File("new/_meta")));

  const Outcome json = RunCtl({"remote", "test", url, "-o", "json"});
  REQUIRE(json.code == 0);
  REQUIRE(json.OutHas("\"checks\":[{\"name\":\"put\",\"passed\":true"));
}

TEST_CASE("remote test says what is wrong with a URL", "[ctl][remote]") {
  REQUIRE(RunCtl({"remote", "test", "file://relative"}).code == 2);
  REQUIRE(RunCtl({"remote", "test", "flie:///x"}).ErrHas("did you mean file://?"));
  const Outcome s3 = RunCtl({"remote", "test", "s3://key:hunter2@bucket/x"});
  REQUIRE(s3.code == 1);
  REQUIRE_FALSE(s3.ErrHas("hunter2"));
  REQUIRE(RunCtl({"remote", "test"}).code == 2);
}

TEST_CASE("remote test asks the node about a remote by its name", "[ctl][remote]") {
  FakeNode node;
  node.backups.checks = {{"write", true, "ok"}, {"copy", false, "not offered"}};
  const Outcome tested = RunCtl(node, {"remote", "test", "local-disk"});
  REQUIRE(tested.code == 1);
  REQUIRE(tested.OutHas("copy"));
  REQUIRE(tested.OutHas("FAILED"));
  REQUIRE(tested.ErrHas("1 of 2 checks failed"));
  node.backups.refuse = Error{ErrorCode::kNotFound, "there is no remote 'disc'"};
  REQUIRE(RunCtl(node, {"remote", "test", "disc"}).code == 6);
}

}  // namespace
}  // namespace ficus
