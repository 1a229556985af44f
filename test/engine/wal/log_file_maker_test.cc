#include "engine/wal/log_file_maker.h"

#include <cerrno>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "test/engine/wal/log_world.h"

namespace ficus {
namespace {

LogFileHeader SomeHeader() {
  LogFileHeader header;
  header.log = LogId(1);
  header.number = 5;
  header.first = LogPosition(1);
  return header;
}

TEST_CASE("a file is made in bounded steps and published whole", "[wal][maker]") {
  auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  LogFileMaker maker(*fs, random, 5, (3 << 20) + 1);
  REQUIRE(maker.bytes() == (3 << 20) + 4096);
  int steps = 1;
  while (!maker.Step().value()) ++steps;
  REQUIRE(steps == 2 + 4);
  REQUIRE(LogFiles(*fs).empty());
  auto file = maker.Publish(SomeHeader()).value();
  REQUIRE(file->path() == "0000000000000005.log");
  REQUIRE(file->Size().value() == maker.bytes());
  std::string header(kLogHeaderBytes, '\0');
  file->ReadAt(0, header).value();
  REQUIRE(DecodeLogFileHeader(header)->chain == maker.chain());
  REQUIRE(fs->pending_count() == 0);
}

TEST_CASE("a finished file can grow before it is published", "[wal][maker]") {
  auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  LogFileMaker maker(*fs, random, 5, 8192);
  while (!maker.Step().value()) {
  }
  REQUIRE(maker.finished());
  maker.Extend(10);
  REQUIRE(maker.finished());
  maker.Extend(20000);
  REQUIRE_FALSE(maker.finished());
  REQUIRE(maker.bytes() == 20480);
  while (!maker.Step().value()) {
  }
  REQUIRE(maker.finished());
  REQUIRE(maker.Publish(SomeHeader()).value()->Size().value() == 20480);
  // Too late to grow.
  maker.Extend(50000);
  REQUIRE(maker.bytes() == 20480);
}

TEST_CASE("a file made in a hurry has its space but is not filled", "[wal][maker]") {
  auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  LogFileMaker maker(*fs, random, 5, 3 << 20);
  int writes = 0;
  fs->SetObserver(
      [&](uint64_t, std::string_view effect) { writes += effect.starts_with("write"); });
  REQUIRE_FALSE(maker.Step().value());
  REQUIRE_FALSE(maker.Step().value());
  REQUIRE_FALSE(maker.Step().value());
  maker.Hurry();
  REQUIRE(maker.Step().value());
  REQUIRE(writes == 1);
  fs->SetObserver(nullptr);
  auto file = maker.Publish(SomeHeader()).value();
  REQUIRE(file->Size().value() == 3 << 20);
  REQUIRE(fs->pending_count() == 0);
}

TEST_CASE("a file that finds no room leaves nothing", "[wal][maker]") {
  auto fs = MemoryFileSystem::Create({.total_bytes = 10'000});
  SeededRandom random(1);
  LogFileMaker maker(*fs, random, 5, 20000);
  REQUIRE_FALSE(maker.Step().value());
  REQUIRE(maker.Step().error().code == ErrorCode::kNoSpace);
  REQUIRE(Contents(*fs).empty());
}

TEST_CASE("a file that is not needed is removed", "[wal][maker]") {
  auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  LogFileMaker maker(*fs, random, 5, 8192);
  REQUIRE_FALSE(maker.Step().value());
  REQUIRE(Contents(*fs).size() == 1);
  maker.Discard();
  REQUIRE(Contents(*fs).empty());
}

TEST_CASE("publishing goes on where it failed, with the header it has written", "[wal][maker]") {
  auto fs = MemoryFileSystem::Create();
  auto faulty = FaultyFileSystem::Create(*fs);
  SeededRandom random(1);
  LogFileMaker maker(*faulty, random, 5, 8192);
  while (!maker.Step().value()) {
  }
  faulty->AddRule({.op = IoOp::kOpen, .error_number = EMFILE});
  REQUIRE(maker.Publish(SomeHeader()).error().code == ErrorCode::kResourceExhausted);
  const uint32_t chain = maker.chain();
  LogFileHeader later = SomeHeader();
  later.created = 99;
  REQUIRE(maker.Publish(later).has_value());
  REQUIRE(maker.chain() == chain);
  const std::string bytes = Contents(*fs)["0000000000000005.log"];
  REQUIRE(DecodeLogFileHeader(bytes)->chain == chain);
}

}  // namespace
}  // namespace ficus
