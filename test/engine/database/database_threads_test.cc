// The database on real threads: what must not wait for what.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/database/completion.h"
#include "engine/database/database.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "test/support/wait_until.h"

namespace ficus {
namespace {

constexpr const char* kGroup = "sw_metric";

// Long for what takes milliseconds.
constexpr std::chrono::seconds kPatience{20};

SchemaObject Group() {
  GroupSchema schema;
  schema.catalog = Catalog::kMeasure;
  schema.resources =
      ResourceOptions{2, IntervalRule{IntervalUnit::kDay, 1}, IntervalRule{IntervalUnit::kDay, 7}};
  SchemaObject object;
  object.key = {SchemaKind::kGroup, "", kGroup};
  object.payload = "group";
  object.view = schema;
  return object;
}

// A node in memory whose disk may stand still.
class Node {
 public:
  Node() {
    DatabaseOptions options;
    options.ballast_bytes = 1 << 20;
    options.log.file_bytes = 1 << 20;
    options.watch_interval_nanos = kNanosPerMilli;
    // A flush would find out for itself.
    options.table.flush_interval_nanos = kNanosPerHour;
    auto opened = Database::Open({*disk_,
                                  *log_fs_,
                                  clock_,
                                  random_,
                                  ledger_,
                                  metrics_,
                                  *log_,
                                  *introduce_,
                                  *flush_,
                                  *merge_,
                                  *background_,
                                  *watch_,
                                  {}},
                                 options);
    REQUIRE(opened.has_value());
    database_ = *std::move(opened);
  }
  ~Node() {
    LetGo();
    database_->Close();
    for (auto* executor : {&watch_, &background_, &merge_, &flush_, &introduce_, &log_}) {
      (*executor)->Close();
    }
  }

  Database& database() { return *database_; }

  void CreateGroup() {
    const auto created = std::make_shared<Completion>();
    database_->ChangeSchema(
        [this](const SchemaRegistry& registry) {
          return registry.PrepareCreate(Group(), clock_.Now(), random_);
        },
        [created](const Result<SchemaChange>&) { created->Set(); });
    created->Wait({});
    REQUIRE(database_->Schema()->FindGroup(kGroup) != nullptr);
  }

  // The next such operation waits until LetGo().
  void Stall(IoOp op, std::string path) {
    disk_->AddRule({.op = op, .path_contains = std::move(path), .error_number = 0, .stall = true});
  }
  bool IsStalled() const {
    return WaitUntil([this] { return disk_->stalled() > 0; }, kPatience);
  }
  void LetGo() {
    fs_->SetLimits({});
    disk_->ClearRules();
    disk_->Release();
  }

  // Fills the disk.
  bool IsReadOnlyWhenFull() {
    fs_->SetLimits({1 << 20, 1 << 20});
    return WaitUntil([this] { return database_->ReadOnly().has_value(); }, kPatience);
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  MetricRegistry metrics_;
  MemoryLedger ledger_{size_t{1} << 30};
  std::unique_ptr<MemoryFileSystem> fs_ = MemoryFileSystem::Create();
  std::unique_ptr<MemoryFileSystem> log_fs_ = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> disk_ = FaultyFileSystem::Create(*fs_);
  std::unique_ptr<ThreadExecutor> log_ = ThreadExecutor::Create("log", 1);
  std::unique_ptr<ThreadExecutor> introduce_ = ThreadExecutor::Create("introduce", 1);
  std::unique_ptr<ThreadExecutor> flush_ = ThreadExecutor::Create("flush", 1);
  std::unique_ptr<ThreadExecutor> merge_ = ThreadExecutor::Create("merge", 1);
  std::unique_ptr<ThreadExecutor> background_ = ThreadExecutor::Create("background", 1);
  std::unique_ptr<ThreadExecutor> watch_ = ThreadExecutor::Create("watch", 1);
  std::unique_ptr<Database> database_;
};

TEST_CASE("a disk that fills is seen while a file snapshot makes its links",
          "[database][threads]") {
  Node node;
  node.Stall(IoOp::kLink, "");
  const auto taken = std::make_shared<Completion>();
  node.database().TakeSnapshot({}, [taken](const Result<SnapshotContents>&) { taken->Set(); });
  REQUIRE(node.IsStalled());
  REQUIRE(node.IsReadOnlyWhenFull());
  node.LetGo();
  taken->Wait({});
  REQUIRE(WaitUntil([&] { return !node.database().ReadOnly().has_value(); }, kPatience));
}

TEST_CASE("a disk that fills is seen while the files of a group are removed",
          "[database][threads]") {
  Node node;
  node.CreateGroup();
  node.Stall(IoOp::kRemove, "/trash/");
  const auto deleted = std::make_shared<Completion>();
  node.database().DeleteGroup(
      kGroup, GroupDeletion::kEverything, [] { return Ok(); },
      [deleted](const Result<SchemaChange>&) { deleted->Set(); });
  REQUIRE(node.IsStalled());
  REQUIRE(node.IsReadOnlyWhenFull());
  node.LetGo();
  deleted->Wait({});
  REQUIRE(WaitUntil([&] { return node.database().Task(kGroup)->state == DeletionState::kDone; },
                    kPatience));
}

}  // namespace
}  // namespace ficus
