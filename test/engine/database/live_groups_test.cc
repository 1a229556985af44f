#include "engine/database/live_groups.h"

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "test/engine/database/group_world.h"

namespace ficus {
namespace {

constexpr GroupId kWeb{7};
constexpr GroupId kMesh{8};
constexpr const char* kWebDirectory = "measure/data/web";

// Two groups with a row each, and the pins of what happens to them.
struct Groups {
  LogCapture log;
  std::unique_ptr<MemoryFileSystem> memory = MemoryFileSystem::Create();
  std::unique_ptr<MemoryFileSystem> log_memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faults = FaultyFileSystem::Create(*memory);
  GroupWorld world{*faults, *log_memory};
  PositionPins pins;
  LiveGroups groups{world.clock()};

  Groups() {
    for (const auto& [name, id] : {std::pair("web", kWeb), std::pair("mesh", kMesh)}) {
      const auto store = world.Create(name, id.value());
      world.Write(*store, 1, {{2, kDay, 10}});
      groups.Add(store);
    }
  }
  ~Groups() { world.Die(); }

  bool IsThere() { return world.Exists(kWebDirectory); }
  bool IsPinned(uint64_t position) { return pins.Oldest() == LogPosition(position); }
  // The pin is the caller's only while this runs.
  void Retire(GroupId id, uint64_t position) {
    groups.Retire(id, pins.Take(LogPosition(position)));
  }
};

TEST_CASE("a group that was added is found by its id until it is taken out", "[database][groups]") {
  Groups node;
  REQUIRE(node.groups.Find(kWeb)->name() == "web");
  REQUIRE(node.groups.Find(GroupId(9)) == nullptr);
  REQUIRE(node.groups.All().size() == 2);
  node.groups.Remove(GroupId(9));
  node.groups.Remove(kWeb);
  REQUIRE(node.groups.Find(kWeb) == nullptr);
  REQUIRE(node.groups.All().size() == 1);
  REQUIRE(node.groups.EveryStore().size() == 1);
  // Its files are the caller's, and its name is free.
  node.groups.DeleteDrained();
  REQUIRE(node.IsThere());
  REQUIRE_FALSE(node.groups.Task("web").has_value());
}

TEST_CASE("a retired group is gone for everybody, its files once nobody holds it",
          "[database][groups]") {
  Groups node;
  auto held = node.groups.Find(kWeb);
  node.Retire(kWeb, 5);
  REQUIRE(node.groups.Find(kWeb) == nullptr);
  REQUIRE(node.groups.All().size() == 1);
  REQUIRE(node.groups.EveryStore().size() == 2);
  for (int pass = 0; pass < 2; ++pass) {
    node.groups.DeleteDrained();
    REQUIRE(node.IsThere());
    REQUIRE(node.IsPinned(5));
    REQUIRE(node.groups.Task("web")->state == DeletionState::kUnderWay);
    REQUIRE(node.groups.IsPendingDeletion("web"));
  }
  held.reset();
  node.groups.DeleteDrained();
  REQUIRE_FALSE(node.IsThere());
  REQUIRE_FALSE(node.pins.Oldest().has_value());
  REQUIRE(node.groups.Task("web")->state == DeletionState::kDone);
  REQUIRE_FALSE(node.groups.IsPendingDeletion("web"));
  REQUIRE(node.groups.EveryStore().size() == 1);
  REQUIRE(node.log.Count("database.group_deleted") == 1);
}

TEST_CASE("who still holds a retired group gets no more work from it", "[database][groups]") {
  Groups node;
  const auto held = node.groups.Find(kWeb);
  const auto segment = *held->SegmentFor(kDay);
  node.Retire(kWeb, 5);
  REQUIRE(held->SegmentFor(kDay + kNanosPerDay).error().code == ErrorCode::kUnavailable);
  REQUIRE(segment->Shard(ShardId(0)).error().code == ErrorCode::kUnavailable);
}

TEST_CASE("the files of a retired group stay while one of its jobs is under way",
          "[database][groups]") {
  Groups node;
  GroupWorld::FlushTables(*node.groups.Find(kWeb), [](const Result<>&) {});
  node.Retire(kWeb, 5);
  node.groups.DeleteDrained();
  REQUIRE(node.IsThere());
  REQUIRE(node.groups.IsPendingDeletion("web"));
  node.world.executor().RunUntilIdle();
  node.groups.DeleteDrained();
  REQUIRE_FALSE(node.IsThere());
}

TEST_CASE("a group that somebody holds does not keep another one's files", "[database][groups]") {
  Groups node;
  auto held = node.groups.Find(kWeb);
  node.Retire(kWeb, 5);
  node.Retire(kMesh, 6);
  node.groups.DeleteDrained();
  REQUIRE(node.IsThere());
  REQUIRE_FALSE(node.world.Exists("measure/data/mesh"));
  REQUIRE(node.IsPinned(5));
  REQUIRE(node.groups.Task("mesh")->state == DeletionState::kDone);
  REQUIRE(node.groups.EveryStore() == std::vector{held});
}

TEST_CASE("a group whose files cannot be moved keeps its name and its pin, and is tried again",
          "[database][groups]") {
  Groups node;
  FaultRule rule;
  rule.op = IoOp::kRename;
  rule.path_contains = "trash";
  rule.times = 2;
  rule.error_number = ENOSPC;
  node.faults->AddRule(rule);
  node.Retire(kWeb, 5);
  for (int pass = 0; pass < 2; ++pass) {
    node.groups.DeleteDrained();
    REQUIRE(node.IsThere());
    REQUIRE(node.IsPinned(5));
    REQUIRE(node.groups.IsPendingDeletion("web"));
    REQUIRE(node.groups.Task("web")->message.find("trash") != std::string::npos);
    REQUIRE(node.groups.EveryStore().size() == 2);
  }
  node.groups.DeleteDrained();
  REQUIRE_FALSE(node.IsThere());
  REQUIRE_FALSE(node.pins.Oldest().has_value());
  REQUIRE(node.groups.Task("web")->state == DeletionState::kDone);
  REQUIRE(node.groups.Task("web")->message.empty());
}

TEST_CASE("a deletion tells when it began and when it was last heard of", "[database][groups]") {
  Groups node;
  const UnixNanos began = node.world.clock().Now();
  FaultRule rule;
  rule.op = IoOp::kRename;
  rule.error_number = ENOSPC;
  node.faults->AddRule(rule);
  node.Retire(kWeb, 5);
  REQUIRE(node.groups.Task("web")->created_at == began);
  REQUIRE(node.groups.Task("web")->updated_at == began);
  for (int pass = 1; pass <= 2; ++pass) {
    node.world.clock().Advance(1);
    node.groups.DeleteDrained();
    REQUIRE(node.groups.Task("web")->created_at == began);
    REQUIRE(node.groups.Task("web")->updated_at == began + pass);
  }
  REQUIRE(node.groups.Task("web")->state == DeletionState::kDone);
  // The next group of this name has a deletion of its own.
  node.groups.Add(node.world.Create("web", 9));
  node.world.clock().Advance(1);
  node.Retire(GroupId(9), 6);
  REQUIRE(node.groups.Task("web")->state == DeletionState::kUnderWay);
  REQUIRE(node.groups.Task("web")->created_at == began + 3);
}

TEST_CASE("nothing happens when a group retires that does not exist", "[database][groups]") {
  Groups node;
  node.Retire(GroupId(9), 5);
  REQUIRE_FALSE(node.pins.Oldest().has_value());
  REQUIRE(node.groups.All().size() == 2);
  // Nor when one retires again.
  const auto held = node.groups.Find(kWeb);
  node.Retire(kWeb, 5);
  node.Retire(kWeb, 4);
  REQUIRE(node.IsPinned(5));
  REQUIRE(node.groups.EveryStore().size() == 2);
}

// A group whose trash is empty, with something happening just after it was looked at.
class EmptyingStore final : public GroupStore {
 public:
  EmptyingStore(GroupId id, std::function<size_t()> empty_trash)
      : id_(id), empty_trash_(std::move(empty_trash)) {}

  GroupId id() const override { return id_; }
  size_t EmptyTrash() override { return empty_trash_(); }

  const std::string& name() const override { return name_; }
  Catalog catalog() const override { return Catalog::kMeasure; }
  const std::string& directory() const override { return name_; }
  void SetLayout(const GroupLayout&) override {}
  GroupLayout layout() const override { return {}; }
  Result<std::shared_ptr<Segment>> SegmentFor(UnixNanos) override { return kNone; }
  Result<std::shared_ptr<Segment>> FindSegment(const TimeRange&) override { return kNone; }
  std::vector<std::shared_ptr<Segment>> Segments(const TimeRange&) override { return {}; }
  std::vector<std::shared_ptr<Segment>> Expired(UnixNanos) const override { return {}; }
  Result<> RemoveSegment(const TimeRange&, uint64_t) override { return Ok(); }
  void RemoveExpiredDamage(UnixNanos) override {}
  std::vector<DamagedFile> DamagedSegments() const override { return {}; }
  std::optional<LogPosition> OldestUnflushed() const override { return std::nullopt; }
  std::vector<std::shared_ptr<TsTable>> OpenTables() const override { return {}; }
  Result<Recorded> RecordedPositions() override { return Recorded{}; }
  size_t CloseIdle() override { return 0; }
  void Shut() override {}
  bool IsDrained() const override { return true; }
  void Close() override {}
  Result<> MoveToTrash() override { return Ok(); }

 private:
  static inline const Error kNone{ErrorCode::kNotFound, "no segment"};
  const GroupId id_;
  const std::string name_;
  const std::function<size_t()> empty_trash_;
};

TEST_CASE("the pins of removed segments are held until the trash of their group is empty",
          "[database][groups]") {
  Groups node;
  size_t left = 1;
  EmptyingStore web(kWeb, [&left] { return left; });
  EmptyingStore mesh(kMesh, [] { return size_t{0}; });
  node.groups.HoldRemoval(kWeb, node.pins.Take(LogPosition(4)));
  node.groups.HoldRemoval(kWeb, node.pins.Take(LogPosition(3)));
  node.groups.HoldRemoval(kMesh, node.pins.Take(LogPosition(5)));
  node.groups.EmptyTrash(web);
  REQUIRE(node.IsPinned(3));
  left = 0;
  node.groups.EmptyTrash(web);
  REQUIRE(node.IsPinned(5));
  node.groups.EmptyTrash(mesh);
  REQUIRE_FALSE(node.pins.Oldest().has_value());
}

TEST_CASE("the pin of a segment that is removed after the trash was emptied stays",
          "[database][groups]") {
  Groups node;
  bool is_removed = false;
  EmptyingStore web(kWeb, [&]() -> size_t {
    if (std::exchange(is_removed, true)) return 0;
    node.groups.HoldRemoval(kWeb, node.pins.Take(LogPosition(4)));
    return 0;
  });
  node.groups.EmptyTrash(web);
  REQUIRE(node.IsPinned(4));
  node.groups.EmptyTrash(web);
  REQUIRE_FALSE(node.pins.Oldest().has_value());
}

}  // namespace
}  // namespace ficus
