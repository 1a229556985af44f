#include "server/rpc/snapshot_service.h"

#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace db = banyandb::database::v1;
namespace common = banyandb::common::v1;

grpc::Status Take(RpcHarness& node, const db::SnapshotRequest& request,
                  db::SnapshotResponse& response) {
  grpc::ClientContext call;
  return db::SnapshotService::NewStub(node.channel())->Snapshot(&call, request, &response);
}

TEST_CASE("a snapshot has an entry for each catalog, the schemas first", "[rpc][snapshot]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  db::SnapshotResponse response;
  REQUIRE(Take(node, {}, response).ok());
  REQUIRE(response.snapshots_size() >= 2);
  const db::Snapshot& schema = response.snapshots(0);
  REQUIRE(schema.catalog() == common::CATALOG_PROPERTY);
  REQUIRE(schema.name().rfind("schema-property/", 0) == 0);
  int last_rank = 0;
  std::set<common::Catalog> catalogs;
  for (int i = 1; i < response.snapshots_size(); ++i) {
    const db::Snapshot& snapshot = response.snapshots(i);
    REQUIRE(snapshot.error().empty());
    REQUIRE(catalogs.insert(snapshot.catalog()).second);
    const int rank = snapshot.catalog() == common::CATALOG_PROPERTY  ? 1
                     : snapshot.catalog() == common::CATALOG_MEASURE ? 2
                     : snapshot.catalog() == common::CATALOG_STREAM  ? 3
                                                                     : 4;
    REQUIRE(rank > last_rank);
    last_rank = rank;
  }
  REQUIRE(catalogs.count(common::CATALOG_MEASURE) == 1);
}

TEST_CASE("what of a snapshot cannot be taken stands in its entry", "[rpc][snapshot]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  db::SnapshotRequest request;
  for (const std::string name : {"g", "nowhere"}) {
    db::SnapshotRequest::Group& group = *request.add_groups();
    group.set_catalog(common::CATALOG_MEASURE);
    group.set_group(name);
  }
  db::SnapshotResponse response;
  REQUIRE(Take(node, request, response).ok());
  REQUIRE(response.snapshots_size() == 2);
  REQUIRE(response.snapshots(1).catalog() == common::CATALOG_MEASURE);
  REQUIRE(!response.snapshots(1).name().empty());
  REQUIRE(response.snapshots(1).error() == "group nowhere does not exist");
}

TEST_CASE("a catalog that does not exist is refused", "[rpc][snapshot]") {
  RpcHarness node;
  db::SnapshotRequest request;
  request.add_groups()->set_group("g");
  db::SnapshotResponse response;
  REQUIRE(Take(node, request, response).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ficus
