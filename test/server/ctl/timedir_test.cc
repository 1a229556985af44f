#include "server/ctl/timedir.h"

#include <filesystem>
#include <fstream>

#include "test/server/ctl/ctl_harness.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::string TextOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteText(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

TEST_CASE("markers are written, read and removed", "[ctl][timedir]") {
  const TempDirectory root;
  const std::vector<std::string> at_root = {"--root", root.path()};
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "timedir");
    words.insert(words.end(), at_root.begin(), at_root.end());
    return RunCtl(std::move(words));
  };
  REQUIRE(run({"read"}).code == 6);

  const Outcome dry = run({"create", "2026-11-20", "--dry-run"});
  REQUIRE(dry.code == 0);
  REQUIRE(dry.OutHas("measure/time-dir"));
  REQUIRE(std::filesystem::is_empty(root.path()));

  REQUIRE(run({"create", "2026-11-20"}).code == 0);
  for (const char* folder : {"measure", "stream", "trace", "property", "schema-property"}) {
    REQUIRE(TextOf(root.File(std::string(folder) + "/time-dir")) == "2026-11-20");
  }
  REQUIRE(run({"create", "2026-11-20-09", "--form", "seed", "--catalog", "measure,schema"}).code ==
          0);
  REQUIRE(TextOf(root.File("measure-time-dir")) == "2026-11-20-09");
  REQUIRE(TextOf(root.File("schema-property-time-dir")) == "2026-11-20-09");
  REQUIRE_FALSE(std::filesystem::exists(root.File("measure/time-dir")));

  const Outcome read = run({"read", "--catalog", "measure"});
  REQUIRE(read.code == 0);
  REQUIRE(read.out == "CATALOG  TIMEDIR        FILE\nmeasure  2026-11-20-09  measure-time-dir\n");
  REQUIRE(run({"read", "--catalog", "measure", "-o", "json"}).out ==
          "[{\"catalog\":\"measure\",\"timedir\":\"2026-11-20-09\",\"file\":\"measure-time-dir\"}]"
          "\n");

  REQUIRE(run({"delete", "--dry-run"}).OutHas("measure-time-dir"));
  REQUIRE(run({"read"}).code == 0);
  REQUIRE(run({"delete"}).code == 0);
  REQUIRE(run({"read"}).code == 6);
  REQUIRE(run({"delete"}).code == 0);
}

TEST_CASE("markers that disagree are refused, and can be removed", "[ctl][timedir]") {
  const TempDirectory root;
  WriteText(root.File("stream/time-dir"), "2026-11-20");
  WriteText(root.File("stream-time-dir"), "2026-11-21");
  const Outcome read = RunCtl({"timedir", "read", "--root", root.path()});
  REQUIRE(read.code == 9);
  REQUIRE(read.ErrHas("markers disagree"));
  REQUIRE(RunCtl({"timedir", "delete", "--root", root.path()}).code == 0);
  REQUIRE(RunCtl({"timedir", "read", "--root", root.path()}).code == 6);
}

TEST_CASE("a marker without a name is for today, and bad names are refused", "[ctl][timedir]") {
  const TempDirectory root;
  REQUIRE(RunCtl({"timedir", "create", "--root", root.path()}).code == 0);
  REQUIRE(TextOf(root.File("measure/time-dir")).size() == 10);
  REQUIRE(RunCtl({"timedir", "create", "--root", root.path(), "--time-style", "hourly"}).code == 0);
  REQUIRE(TextOf(root.File("measure/time-dir")).size() == 13);
  REQUIRE(RunCtl({"timedir", "create", "latest", "--root", root.path()}).code == 2);
  REQUIRE(RunCtl({"timedir", "create", "--catalog", "x", "--root", root.path()}).code == 2);
  REQUIRE(RunCtl({"timedir", "create", "2026-11-20"}).code == 2);
  REQUIRE(RunCtl({"timedir", "read", "--root", root.File("gone")}).code == 6);
}

TEST_CASE("time directories of a destination are listed, others are not", "[ctl][timedir]") {
  const TempDirectory dest;
  WriteText(dest.File("2026-11-19/measure/g/part"), "x");
  WriteText(dest.File("2026-11-20-09/stream/g/part"), "x");
  WriteText(dest.File("notes/readme"), "x");
  WriteText(dest.File("2026-11-18"), "a file");
  WriteText(dest.File("_meta/timedir/2026-11-19/commit-0000000000000001"), "{}");
  const std::string url = "file://" + dest.path();
  const Outcome list = RunCtl({"timedir", "list", "--dest", url});
  INFO(list.err);
  REQUIRE(list.code == 0);
  REQUIRE(list.out == "TIMEDIR        COMMITTED\n2026-11-19     yes\n2026-11-20-09  no\n");
  REQUIRE(RunCtl({"timedir", "list", "--dest", url, "--prefix", "2026-11-20", "-o", "json"}).out ==
          "[{\"timedir\":\"2026-11-20-09\",\"committed\":\"no\"}]\n");
  REQUIRE(RunCtl({"timedir", "list", "--dest", "file://" + dest.File("gone")}).code == 6);
  REQUIRE_FALSE(std::filesystem::exists(dest.File("gone")));
  REQUIRE(RunCtl({"timedir", "list"}).code == 2);
}

}  // namespace
}  // namespace ficus
