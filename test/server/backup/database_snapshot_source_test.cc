#include "server/backup/database_snapshot_source.h"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "server/backup/checked_file.h"
#include "test/engine/database/database_harness.h"

namespace ficus {
namespace {

std::shared_ptr<const SchemaSnapshot> Schema() {
  std::vector<SchemaSnapshot::ObjectPtr> objects;
  uint64_t id = 0;
  for (const auto& [name, catalog] :
       {std::pair{"sw_metric", Catalog::kMeasure}, std::pair{"sw_record", Catalog::kStream},
        std::pair{"other", Catalog::kMeasure}}) {
    auto object = std::make_shared<SchemaObject>();
    object->key = {SchemaKind::kGroup, "", name};
    object->group_id = GroupId(++id);
    object->mod_revision = 1;
    GroupSchema group;
    group.catalog = catalog;
    object->view = group;
    objects.push_back(object);
  }
  auto made = SchemaSnapshot::Make(objects, 1);
  REQUIRE(made.has_value());
  return *made;
}

std::string Asked(const SnapshotScope& scope) {
  const auto request = ResolveScope(scope, *Schema());
  if (!request) return request.error().ToString();
  std::string text;
  for (const auto& item : request->items) {
    text += std::string(CatalogName(item.catalog)) + "/" + item.group + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("groups and catalogs of a job become what the database is asked for", "[backup]") {
  REQUIRE(Asked({}) == "");
  REQUIRE(Asked({{"sw_metric"}, {}}) == "measure/sw_metric ");
  REQUIRE(Asked({{"sw_*"}, {}}) == "measure/sw_metric stream/sw_record ");
  REQUIRE(Asked({{"sw_*"}, {"stream"}}) == "stream/sw_record ");
  REQUIRE(Asked({{}, {"measure", "property"}}) == "property/ measure/ ");
}

TEST_CASE("a name that matches nothing is refused, so that a typo does not pass for a backup",
          "[backup]") {
  REQUIRE(Asked({{"sw_metrics"}, {}}) ==
          "not found: group 'sw_metrics' matches nothing to back up");
  REQUIRE(Asked({{"sw_metric"}, {"stream"}}) ==
          "not found: group 'sw_metric' matches nothing to back up");
  REQUIRE(Asked({{}, {"mesure"}}) == "not found: catalog 'mesure' matches nothing to back up");
  REQUIRE(Asked({{}, {"schema-property"}}).find("name another catalog") != std::string::npos);
}

TEST_CASE("a node is backed up from its own snapshot, every file of it verified", "[backup]") {
  DatabaseHarness node;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.CreateGroup("sw_metric").has_value());
  REQUIRE(node.CreateMeasure("sw_metric", "service_cpm").has_value());
  for (int64_t day = 0; day < 3; ++day) {
    const NodeRow row = {1, node.now() - day * kNanosPerDay, day};
    REQUIRE(node.Write("sw_metric", "service_cpm", {row}).result.has_value());
  }
  std::optional<Result<SnapshotContents>> taken;
  node.database().TakeSnapshot(
      {}, [&](Result<SnapshotContents> contents) { taken = std::move(contents); });
  node.Pump([&] { return taken.has_value(); });
  REQUIRE(taken->has_value());
  const std::string id = (*taken)->id;

  DatabaseSnapshotSource source(node.database(), node.fs());
  {
    auto held = source.Hold(id);
    REQUIRE(held.has_value());
    REQUIRE((*held)->contents() == **taken);
    size_t files = 0;
    for (const CatalogSnapshot& catalog : (*held)->contents().catalogs) {
      for (const SnapshotFile& file : catalog.files) {
        CAPTURE(catalog.folder, file.path);
        const auto checked = CheckedFile::Open(**held, catalog, file, {});
        INFO((checked ? std::string("whole") : checked.error().ToString()));
        REQUIRE(checked.has_value());
        ++files;
      }
    }
    REQUIRE(files >= 10);
    REQUIRE(node.database().DeleteSnapshot(id).error().code == ErrorCode::kFailedPrecondition);
  }
  {
    auto again = source.Hold(id);
    REQUIRE(again.has_value());
    (*again)->Discard();
  }
  REQUIRE(source.Hold(id).error().code == ErrorCode::kNotFound);
}

}  // namespace ficus
