#include "server/ctl/snapshot.h"

#include <string>

#include <catch2/catch.hpp>
#include <grpcpp/server_builder.h>

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "engine/base/random.h"
#include "engine/encoding/checksum.h"
#include "engine/io/disk_file_system.h"
#include "engine/io/publish.h"
#include "engine/segment/identity.h"
#include "engine/snapshot/snapshot_store.h"
#include "test/server/ctl/ctl_harness.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

namespace db = banyandb::database::v1;

constexpr const char* kId = "20261120093015-00000001";

// A root with one snapshot of one group that has no rows.
struct Root {
  TempDirectory directory;
  std::unique_ptr<FileSystem> fs;
  SeededRandom random{1};
  std::string identity = "measure/snapshots/20261120093015-00000001/g/identity";

  Root() {
    auto opened = OpenDiskFileSystem(directory.path(), {.engine = IoEngine::kThreads});
    REQUIRE(opened.has_value());
    fs = *std::move(opened);
    REQUIRE(CreateDirectories(*fs, ParentPath(identity)).has_value());
    const std::string bytes = EncodeGroupIdentity({GroupId(5), Catalog::kMeasure, 1, "g"});
    REQUIRE(PublishFile(*fs, random, identity, bytes, FileClass::kTool).has_value());
    SnapshotContents contents;
    contents.id = kId;
    contents.taken_at = 1'795'166'215LL * kNanosPerSecond;
    CatalogSnapshot catalog;
    catalog.folder = "measure";
    catalog.name = kId;
    catalog.groups = {{"g", GroupId(5)}};
    catalog.files = {{"g/identity", bytes.size(), Crc32c(bytes), false}};
    contents.catalogs = {catalog};
    REQUIRE(SnapshotStore(*fs, random).Publish(contents).has_value());
  }
  Outcome Run(const std::string& verb, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"snapshot", verb, "--root", directory.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunCtl(std::move(arguments));
  }
};

TEST_CASE("snapshots of a root are listed", "[ctl][snapshot]") {
  Root root;
  const Outcome table = root.Run("list");
  REQUIRE(table.code == 0);
  REQUIRE(table.OutHas("20261120093015-00000001  2026-11-20T09:16:55Z  yes    1"));
  const Outcome json = root.Run("list", {"-o", "json"});
  REQUIRE(json.OutHas("{\"id\":\"20261120093015-00000001\",\"taken_at\":\"2026-11-20T09:16:55Z\""));
  REQUIRE(json.OutHas("\"catalogs\":[{\"folder\":\"measure\""));
}

TEST_CASE("a snapshot is verified, and damage has an exit code", "[ctl][snapshot]") {
  Root root;
  const Outcome whole = root.Run("verify", {kId});
  REQUIRE(whole.code == 0);
  REQUIRE(whole.OutHas("1 files"));
  REQUIRE(PublishFile(*root.fs, root.random, root.identity, "x", FileClass::kTool).has_value());
  const Outcome damaged = root.Run("verify", {kId});
  REQUIRE(damaged.code == static_cast<int>(ExitCode::kDamage));
  REQUIRE(damaged.OutHas(root.identity + ": corruption: its size is not the listed one"));
  REQUIRE(root.Run("verify", {kId, "-o", "json"}).OutHas("\"damage\":[{\"path\":\"measure/"));
  REQUIRE(root.Run("verify", {"20261120093015-00000002"}).code ==
          static_cast<int>(ExitCode::kNotFound));
  REQUIRE(root.Run("verify", {"../x"}).code == static_cast<int>(ExitCode::kUsage));
}

TEST_CASE("a snapshot is deleted only on demand and while no process holds the root",
          "[ctl][snapshot]") {
  Root root;
  REQUIRE(root.Run("delete", {kId}).code == static_cast<int>(ExitCode::kRefused));
  const Outcome dry = root.Run("delete", {kId, "--dry-run"});
  REQUIRE(dry.code == 0);
  REQUIRE(dry.OutHas("would delete 20261120093015-00000001 with 1 files"));
  {
    const auto lock = root.fs->Lock("LOCK");
    REQUIRE(lock.has_value());
    REQUIRE(root.Run("delete", {kId, "--yes"}).code == static_cast<int>(ExitCode::kBusy));
  }
  REQUIRE(root.fs->Status(root.identity).has_value());
  REQUIRE(root.Run("delete", {kId, "--yes"}).code == 0);
  REQUIRE(!root.fs->Status(root.identity).has_value());
  REQUIRE(root.Run("delete", {kId, "--yes"}).code == static_cast<int>(ExitCode::kNotFound));
}

class FakeSnapshots final : public db::SnapshotService::Service {
 public:
  grpc::Status Snapshot(grpc::ServerContext*, const db::SnapshotRequest* request,
                        db::SnapshotResponse* response) override {
    asked = *request;
    db::Snapshot& snapshot = *response->add_snapshots();
    snapshot.set_catalog(banyandb::common::v1::CATALOG_MEASURE);
    snapshot.set_name(kId);
    snapshot.set_error(error);
    return status;
  }

  db::SnapshotRequest asked;
  std::string error;
  grpc::Status status;
};

struct SnapshotNode {
  FakeSnapshots service;
  std::string address;
  std::unique_ptr<grpc::Server> server;

  SnapshotNode() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    server = builder.BuildAndStart();
    REQUIRE(server != nullptr);
    address = "127.0.0.1:" + std::to_string(port);
  }
  Outcome Create(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"snapshot", "create", "--addr", address};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunCtl(std::move(arguments));
  }
};

TEST_CASE("a node takes a snapshot when it is asked to", "[ctl][snapshot]") {
  SnapshotNode node;
  const Outcome taken = node.Create({"--group", "measure/sw_metric", "--group", "stream"});
  REQUIRE(taken.code == 0);
  REQUIRE(taken.OutHas("measure  20261120093015-00000001  -"));
  REQUIRE(node.service.asked.groups_size() == 2);
  REQUIRE(node.service.asked.groups(0).catalog() == banyandb::common::v1::CATALOG_MEASURE);
  REQUIRE(node.service.asked.groups(0).group() == "sw_metric");
  REQUIRE(node.service.asked.groups(1).catalog() == banyandb::common::v1::CATALOG_STREAM);
  REQUIRE(node.service.asked.groups(1).group().empty());
  REQUIRE(node.Create({"-o", "json"}).OutHas("\"name\":\"20261120093015-00000001\""));
  REQUIRE(node.Create({"--group", "log/x"}).code == static_cast<int>(ExitCode::kUsage));
}

TEST_CASE("a dry run of a snapshot asks nobody", "[ctl][snapshot]") {
  SnapshotNode node;
  const Outcome dry = node.Create({"--dry-run", "--group", "measure/x"});
  REQUIRE(dry.code == 0);
  REQUIRE(dry.OutHas("would take a snapshot"));
  REQUIRE(node.service.asked.groups_size() == 0);
}

TEST_CASE("a snapshot that lacks something, and one that failed, have exit codes",
          "[ctl][snapshot]") {
  SnapshotNode node;
  node.service.error = "group x does not exist";
  const Outcome partly = node.Create();
  REQUIRE(partly.code == static_cast<int>(ExitCode::kPartly));
  REQUIRE(partly.OutHas("group x does not exist"));
  node.service.status = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "no space");
  const Outcome failed = node.Create();
  REQUIRE(failed.code == static_cast<int>(ExitCode::kFailed));
  REQUIRE(failed.ErrHas("no space"));
  node.server->Shutdown();
  REQUIRE(node.Create().code == static_cast<int>(ExitCode::kUnreachable));
}

}  // namespace
}  // namespace ficus
