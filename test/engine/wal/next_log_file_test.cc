#include "engine/wal/next_log_file.h"

#include <cerrno>
#include <memory>
#include <utility>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "test/engine/wal/log_world.h"

namespace ficus {
namespace {

using Urgency = NextLogFile::Urgency;

struct World {
  World()
      : next(std::make_shared<NextLogFile>(*faulty, clock, random, *executor,
                                           [this] { ++ready; })) {}
  ~World() { next->Close(); }

  void FailAllocations(uint64_t times) {
    faulty->AddRule({.op = IoOp::kAllocate, .times = times, .error_number = ENOSPC});
  }

  const LogCapture quiet;
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faulty = FaultyFileSystem::Create(*fs);
  ManualClock clock{0};
  SeededRandom random{1};
  std::unique_ptr<DeterministicExecutor> executor = DeterministicExecutor::Create(1, clock);
  int ready = 0;
  std::shared_ptr<NextLogFile> next;
};

TEST_CASE("a file that is wanted gets ready in the background", "[wal][next]") {
  World world;
  REQUIRE(world.next->Take(1) == nullptr);
  world.next->Want({7, 10'000}, Urgency::kOnce);
  world.next->Want({7, 10'000}, Urgency::kOnce);
  REQUIRE(world.next->ready_bytes() == 0);
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 1);
  REQUIRE(world.next->ready_bytes() == 12'288);
  const auto file = world.next->Take(12'288);
  REQUIRE(file->number() == 7);
  REQUIRE(file->finished());
  REQUIRE(world.next->ready_bytes() == 0);
  file->Discard();
}

TEST_CASE("a file that is too small grows", "[wal][next]") {
  World world;
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  REQUIRE(world.next->Take(20'000) == nullptr);
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 2);
  world.next->Take(20'000)->Discard();
}

TEST_CASE("one attempt is not repeated by itself, nor soon", "[wal][next]") {
  World world;
  world.FailAllocations(1);
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->Advance(10 * kNanosPerSecond);
  REQUIRE(world.ready == 0);
  REQUIRE(world.next->error()->code == ErrorCode::kNoSpace);
  REQUIRE(world.fs->List("")->empty());

  world.FailAllocations(1);
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  world.next->Want({7, 8192}, Urgency::kOnce);  // too soon
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 0);
  world.clock.Advance(kNanosPerSecond);
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 1);
  REQUIRE_FALSE(world.next->error());
}

TEST_CASE("who persists is served when space returns", "[wal][next]") {
  World world;
  world.FailAllocations(5);
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  world.next->Want({7, 8192}, Urgency::kPersist);
  REQUIRE(world.executor->RunUntil([&] { return world.ready == 1; }));
  REQUIRE(world.faulty->faults() == 5);
  REQUIRE_FALSE(world.executor->RunUntil([] { return false; }));  // no timer is left
}

TEST_CASE("who persists late is told again", "[wal][next]") {
  World world;
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 1);
  world.next->Want({7, 8192}, Urgency::kPersist);
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 2);
}

TEST_CASE("a file given back can be taken a while later", "[wal][next]") {
  World world;
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  auto file = world.next->Take(8192);
  world.next->GiveBack(std::move(file), {ErrorCode::kResourceExhausted, "too many files"});
  REQUIRE(world.next->error()->code == ErrorCode::kResourceExhausted);
  REQUIRE(world.next->Take(8192) == nullptr);
  world.executor->Advance(kNanosPerSecond);
  REQUIRE(world.ready == 2);
  REQUIRE_FALSE(world.next->error());
  world.next->Take(8192)->Discard();
}

TEST_CASE("a file given back again and again is told once", "[wal][next]") {
  World world;
  world.next->Want({7, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  for (int i = 0; i < 5; ++i) {
    auto file = world.next->Take(8192);
    REQUIRE(file != nullptr);
    world.next->GiveBack(std::move(file), {ErrorCode::kIo, "the disk is gone"});
    world.executor->Advance(kNanosPerSecond);
  }
  REQUIRE(world.quiet.Count("wal.no_file") == 1);
  REQUIRE(world.quiet.Count("wal.file_again") == 0);
  world.next->Take(8192)->Discard();
  world.next->Want({8, 8192}, Urgency::kOnce);
  world.executor->RunUntilIdle();
  REQUIRE(world.quiet.Count("wal.file_again") == 1);
  world.next->Take(8192)->Discard();
}

TEST_CASE("what was begun in the background is finished on the spot", "[wal][next]") {
  World world;
  world.next->Want({7, 4 << 20}, Urgency::kOnce);
  world.executor->RunOne();
  auto file = world.next->MakeNow({7, 5 << 20}).value();
  REQUIRE(file->finished());
  REQUIRE(file->bytes() == 5 << 20);
  world.executor->RunUntilIdle();
  REQUIRE(world.ready == 0);
  REQUIRE(world.fs->List("")->size() == 1);
  file->Discard();

  world.FailAllocations(1);
  REQUIRE(world.next->MakeNow({7, 8192}).error().code == ErrorCode::kNoSpace);
  REQUIRE(world.next->error());
}

TEST_CASE("closing leaves no temporary and ends every attempt", "[wal][next]") {
  World world;
  SECTION("half made") {
    world.next->Want({7, 4 << 20}, Urgency::kOnce);
    world.executor->RunOne();
  }
  SECTION("ready") {
    world.next->Want({7, 8192}, Urgency::kOnce);
    world.executor->RunUntilIdle();
  }
  SECTION("waiting to try again") {
    world.FailAllocations(1);
    world.next->Want({7, 8192}, Urgency::kPersist);
    world.executor->RunUntilIdle();
  }
  const int before = world.ready;
  world.next->Close();
  world.next->Want({7, 8192}, Urgency::kPersist);
  world.executor->Advance(10 * kNanosPerSecond);
  REQUIRE(world.ready == before);
  REQUIRE(world.fs->List("")->empty());
}

}  // namespace
}  // namespace ficus
