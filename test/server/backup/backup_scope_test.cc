#include "server/backup/backup_scope.h"

#include <catch2/catch.hpp>

#include "test/server/backup/sample_backup.h"

namespace ficus {
namespace {

BackupManifest Partial(const std::string& scope, std::vector<BackupGroup> groups) {
  BackupManifest manifest;
  manifest.whole_node = false;
  manifest.scope = scope;
  manifest.catalogs = {{"measure", Catalog::kMeasure, std::move(groups)}};
  return manifest;
}

TEST_CASE("a scope is what was asked for, in any order", "[backup][scope]") {
  REQUIRE(ScopeText({}, {}) == "node");
  REQUIRE(ScopeText({"web", "sw_*", "web"}, {}) == "groups sw_*, web");
  REQUIRE(ScopeText({}, {"stream", "measure"}) == "catalogs measure, stream");
  REQUIRE(ScopeText({"web"}, {"measure"}) == "groups web; catalogs measure");
  const std::string many = ScopeText(std::vector<std::string>(200, std::string(200, 'x')), {});
  const std::string more = ScopeText({std::string(300, 'x'), std::string(300, 'y')}, {});
  REQUIRE(many.size() < 256);
  REQUIRE(more.rfind("sha256:", 0) == 0);
}

TEST_CASE("the scope of a backup from before scopes were written is what it holds",
          "[backup][scope]") {
  BackupManifest manifest = Partial("", {{"a", GroupId(1)}, {"b", GroupId(2)}});
  REQUIRE(ScopeOf(manifest) == "holds measure/a, measure/b");
  manifest.whole_node = true;
  REQUIRE(ScopeOf(manifest) == "node");
}

TEST_CASE("a backup covers another when nothing is lost by it", "[backup][scope]") {
  const BackupManifest node = SampleManifest({});
  const BackupManifest one = Partial("groups a", {{"a", GroupId(1)}});
  const BackupManifest two = Partial("groups a, b", {{"a", GroupId(1)}, {"b", GroupId(2)}});
  const BackupManifest all = Partial("groups *", {{"a", GroupId(1)}, {"b", GroupId(2)}});
  const BackupManifest fewer = Partial("groups *", {{"a", GroupId(1)}});
  REQUIRE(Covers(node, node));
  REQUIRE(Covers(node, two));
  REQUIRE_FALSE(Covers(all, node));
  REQUIRE(Covers(two, one));
  REQUIRE_FALSE(Covers(one, two));
  // A group was dropped since.
  REQUIRE(Covers(fewer, all));
  REQUIRE_FALSE(Covers(fewer, two));
}

}  // namespace
}  // namespace ficus
