#include "server/daemon/config_changes.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using Keys = std::vector<std::string>;

TEST_CASE("an unchanged configuration has no changes", "[daemon][config]") {
  const ConfigChanges changes = CompareConfigs(Config(), Config());
  REQUIRE(changes.changed.empty());
  REQUIRE(changes.need_restart.empty());
  REQUIRE(changes.applied == Config());
}

TEST_CASE("what a running node can take over is told from what waits", "[daemon][config]") {
  Config next;
  next.log.level = LogLevel::kDebug;
  next.query.timeout = std::chrono::seconds(1);
  next.disk.warn = 10;
  next.grpc.max_message = 32 * kMiB;
  next.storage.path = "/elsewhere";
  const ConfigChanges changes = CompareConfigs(Config(), next);
  REQUIRE(changes.changed == Keys{"disk.warn", "query.timeout", "log.level"});
  REQUIRE(changes.need_restart == Keys{"storage.path", "grpc.max_message"});
  REQUIRE(changes.applied.log.level == LogLevel::kDebug);
  REQUIRE(changes.applied.query.timeout == std::chrono::seconds(1));
  REQUIRE(changes.applied.disk.warn == 10);
  REQUIRE(changes.applied.storage.path == Config().storage.path);
  REQUIRE(changes.applied.grpc.max_message == Config().grpc.max_message);
}

TEST_CASE("files of a protection can be others, but none is switched on or off",
          "[daemon][config]") {
  Config running;
  running.grpc.tls = {"/cert", "/key", "/ca", std::chrono::seconds(10)};
  running.auth.users_file = "/users";
  Config next = running;
  next.grpc.tls.cert = "/cert2";
  next.grpc.tls.client_ca = "/ca2";
  next.auth.users_file = "/users2";
  next.auth.reload = std::chrono::seconds(1);
  ConfigChanges changes = CompareConfigs(running, next);
  REQUIRE(changes.changed ==
          Keys{"grpc.tls.cert", "grpc.tls.client_ca", "auth.users_file", "auth.reload"});
  REQUIRE(changes.need_restart.empty());
  REQUIRE(changes.applied == next);

  changes = CompareConfigs(running, Config());
  REQUIRE(changes.changed.empty());
  REQUIRE(changes.need_restart ==
          Keys{"grpc.tls.cert", "grpc.tls.key", "grpc.tls.client_ca", "auth.users_file"});
  REQUIRE(changes.applied == running);
  REQUIRE(CompareConfigs(Config(), running).changed.empty());
}

TEST_CASE("remotes and backups that differ wait for a start, by their names", "[daemon][config]") {
  Config running;
  running.remotes["same"].url = "file:///same";
  running.remotes["gone"].url = "file:///gone";
  running.backups["nightly"].schedule = "@daily";
  Config next = running;
  next.remotes.erase("gone");
  next.remotes["new"].url = "file:///new";
  next.backups["nightly"].schedule = "@hourly";
  const ConfigChanges changes = CompareConfigs(running, next);
  REQUIRE(changes.changed.empty());
  REQUIRE(changes.need_restart == Keys{"remotes.gone", "remotes.new", "backups.nightly"});
}

}  // namespace
}  // namespace ficus
