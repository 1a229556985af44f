#include "server/ctl/restore.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include "engine/database/restore_journal.h"
#include "engine/io/disk_file_system.h"
#include "server/remote/open_store.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/database/staged_backup.h"
#include "test/server/backup/hand_made_repository.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr char kTimedir[] = "2026-11-20";

struct Said {
  ExitCode code = ExitCode::kFailed;
  std::string out;
  std::string err;
};

Said Ficusctl(std::vector<std::string> arguments) {
  CLI::App app;
  ClientOptions client;
  Command command;
  AddClientOptions(app, client);
  app.require_subcommand(1);
  AddRestoreCommands(app, client, command);
  std::reverse(arguments.begin(), arguments.end());
  Said said;
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError&) {
    said.code = ExitCode::kUsage;
    return said;
  }
  char* out = nullptr;
  char* err = nullptr;
  size_t out_bytes = 0;
  size_t err_bytes = 0;
  Console console;
  console.out = ::open_memstream(&out, &out_bytes);
  console.err = ::open_memstream(&err, &err_bytes);
  said.code = command(console);
  std::fclose(console.out);
  std::fclose(console.err);
  said.out.assign(out, out_bytes);
  said.err.assign(err, err_bytes);
  std::free(out);
  std::free(err);
  return said;
}

struct Scene {
  Scene() {
    REQUIRE(node.Open().has_value());
    REQUIRE(node.CreateGroup("web").has_value());
    REQUIRE(node.CreateMeasure("web", "cpu").has_value());
    REQUIRE(node.Write("web", "cpu", {{1, node.now(), 5, 1}}).result.has_value());
    backup = MakeBackup(node);
    auto opened = OpenStore(url, {});
    REQUIRE(opened.has_value());
    store = *std::move(opened);
    HandMadeRepository(*store).Put(backup, kTimedir);
  }
  Said Restore(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "restore");
    return Ficusctl(std::move(arguments));
  }
  std::unique_ptr<FileSystem> Root() {
    auto fs = OpenDiskFileSystem(root, {.engine = IoEngine::kThreads});
    REQUIRE(fs.has_value());
    return *std::move(fs);
  }

  TempDirectory folder;
  const std::string url = "file://" + folder.path() + "/backups";
  const std::string root = folder.path() + "/root";
  DatabaseHarness node;
  HandMadeBackup backup;
  std::unique_ptr<ObjectStore> store;
};

TEST_CASE("restore on an empty machine: planned, run, looked at, discarded", "[ctl][restore]") {
  Scene scene;
  const Said run = scene.Restore({"run", kTimedir, "--source", scene.url, "--root", scene.root});
  CAPTURE(run.err);
  REQUIRE(run.code == ExitCode::kDone);
  REQUIRE(run.out.find("is ready") != std::string::npos);
  const Said status = scene.Restore({"status", "--root", scene.root});
  REQUIRE(status.code == ExitCode::kDone);
  REQUIRE(status.out.find("ready") != std::string::npos);
  const Said again = scene.Restore({"run", kTimedir, "--source", scene.url, "--root", scene.root});
  REQUIRE(again.code == ExitCode::kRefused);
  REQUIRE(again.err.find("ficusctl restore discard") != std::string::npos);

  REQUIRE(scene.Restore({"discard", "--root", scene.root}).code == ExitCode::kRefused);
  const Said dry = scene.Restore({"discard", "--root", scene.root, "--dry-run"});
  REQUIRE(dry.code == ExitCode::kDone);
  REQUIRE(ReadRestoreJournal(*scene.Root())->has_value());
  const Said discarded = scene.Restore({"discard", "--root", scene.root, "--yes"});
  REQUIRE(discarded.code == ExitCode::kDone);
  REQUIRE(dry.out.substr(dry.out.find("remove ") + 7, 8) ==
          discarded.out.substr(discarded.out.find("removed ") + 8, 8));
  REQUIRE_FALSE(ReadRestoreJournal(*scene.Root())->has_value());
  REQUIRE(scene.Restore({"discard", "--root", scene.root, "--yes"}).code == ExitCode::kNotFound);
}

TEST_CASE("restore over data is refused without --yes, and a dry run changes nothing",
          "[ctl][restore]") {
  Scene scene;
  REQUIRE(std::system(("mkdir -p " + scene.root + "/measure/data/old").c_str()) == 0);
  std::vector<std::string> arguments = {"run",     kTimedir, "--source",
                                        scene.url, "--root", scene.root};
  const Said refused = scene.Restore(arguments);
  REQUIRE(refused.code == ExitCode::kRefused);
  REQUIRE(refused.err.find("--yes") != std::string::npos);
  arguments.emplace_back("--dry-run");
  const Said dry = scene.Restore(arguments);
  REQUIRE(dry.code == ExitCode::kDone);
  REQUIRE(dry.out.find("measure/old is not in the backup and goes") != std::string::npos);
  REQUIRE_FALSE(scene.Root()->Status(kRestoreDirectory).has_value());
  arguments.back() = "--yes";
  REQUIRE(scene.Restore(arguments).code == ExitCode::kDone);
}

TEST_CASE("restore tells machines what it tells people", "[ctl][restore]") {
  Scene scene;
  REQUIRE(std::system(("mkdir -p " + scene.root).c_str()) == 0);
  const Said plan = Ficusctl(
      {"-o", "json", "restore", "plan", kTimedir, "--source", scene.url, "--root", scene.root});
  CAPTURE(plan.err);
  REQUIRE(plan.code == ExitCode::kDone);
  REQUIRE(plan.out.find("\"timedir\":\"2026-11-20\"") != std::string::npos);
  REQUIRE(plan.out.find("\"name\":\"web\"") != std::string::npos);
  const Said nothing = Ficusctl({"-o", "json", "restore", "status", "--root", scene.root});
  REQUIRE(nothing.out == "{\"restore\":null}\n");
}

TEST_CASE("restore ends with the code of what went wrong", "[ctl][restore]") {
  Scene scene;
  REQUIRE(std::system(("mkdir -p " + scene.root).c_str()) == 0);
  const auto run = [&](const std::string& timedir, const std::string& more = "--yes") {
    return scene.Restore({"run", timedir, "--source", scene.url, "--root", scene.root, more}).code;
  };
  REQUIRE(run("2026-11-02") == ExitCode::kNotFound);
  REQUIRE(run("yesterday") == ExitCode::kUsage);
  REQUIRE(run(kTimedir, "--group=nobody") == ExitCode::kUsage);
  REQUIRE(scene.Restore({"run", kTimedir}).code == ExitCode::kUsage);
  // Without a time directory the markers decide, and there are none.
  REQUIRE(scene.Restore({"run", "--source", scene.url, "--root", scene.root}).code ==
          ExitCode::kNotFound);
}

}  // namespace
}  // namespace ficus
