#include "test/crash/backup_place.h"

#include <memory>
#include <stop_token>

#include <fmt/core.h>

#include "server/backup/backup_job.h"
#include "server/backup/database_snapshot_source.h"
#include "server/backup/restore_job.h"

namespace ficus {
namespace {

// One snapshot that was taken before: the thread that waits for a snapshot is the one that would
// have to take it. It stays until the node's own rule removes it.
class TakenSnapshot final : public SnapshotSource {
 public:
  TakenSnapshot(DatabaseHarness& node, std::string id)
      : source_(node.database(), node.fs()), id_(std::move(id)) {}

  Result<std::unique_ptr<HeldSnapshot>> Take(const SnapshotScope&, std::stop_token) override {
    return Hold(id_);
  }
  Result<std::unique_ptr<HeldSnapshot>> Hold(std::string_view id) override {
    ASSIGN_OR_RETURN(auto held, source_.Hold(id));
    return std::unique_ptr<HeldSnapshot>(std::make_unique<Kept>(std::move(held)));
  }

 private:
  class Kept final : public HeldSnapshot {
   public:
    explicit Kept(std::unique_ptr<HeldSnapshot> held) : held_(std::move(held)) {}
    const SnapshotContents& contents() const override { return held_->contents(); }
    Result<std::unique_ptr<File>> Open(const CatalogSnapshot& catalog,
                                       const SnapshotFile& file) override {
      return held_->Open(catalog, file);
    }
    void Discard() override {}

   private:
    const std::unique_ptr<HeldSnapshot> held_;
  };

  DatabaseSnapshotSource source_;
  const std::string id_;
};

Result<> Restore(DatabaseHarness& node, MemoryStore& store, const std::string& timedir) {
  RestoreRunOptions options;
  options.request.timedir = timedir;
  options.concurrency = 1;
  RETURN_IF_ERROR(RunRestore({node.fs(), store, node.clock(), node.random()}, options, {}));
  return Ok();
}

}  // namespace

Result<> BackupPlace::Run(DatabaseHarness& node, const std::string& id) {
  TakenSnapshot snapshots(node, id);
  const std::unique_ptr<Layout> layout = MakeTimedirLayout();
  const auto pause = [&node](int64_t nanos, std::stop_token stop) {
    node.clock().Advance(nanos);
    return !stop.stop_requested();
  };
  const JobTools tools = {.file_system = node.fs(),
                          .clock = node.clock(),
                          .random = node.random(),
                          .snapshots = snapshots,
                          .layout = *layout,
                          .node_id = node.database().node_id(),
                          .pause = pause,
                          .retention_clock = {}};
  BackupJobSpec spec;
  spec.name = "hourly";
  spec.remote = "here";
  spec.verify = VerifyMode::kFull;
  RunProgress progress(node.clock(), {});
  BackupJob job(tools, {store_, 1}, spec, fmt::format("run-{}", ++runs_), false, progress);
  RETURN_IF_ERROR(job.Run({}));
  if (!job.commit().has_value() || !progress.Get().verified) {
    return Error{ErrorCode::kCorruption, "the backup is not verified: " + progress.Get().error};
  }
  timedir_ = job.commit()->timedir;
  return Ok();
}

Result<> BackupPlace::CheckOnEmptyMachine(const World& world) {
  DatabaseHarness machine(77);
  machine.options().ballast_bytes = 0;
  RETURN_IF_ERROR(Restore(machine, store_, timedir_));
  RETURN_IF_ERROR(machine.Open());
  ASSIGN_OR_RETURN(const World shown, ReadWorld(machine.database(), machine.ledger()));
  if (shown == world) return Ok();
  return Error{ErrorCode::kCorruption,
               "backed up was " + world.ToString() + "; restored is " + shown.ToString()};
}

Result<> BackupPlace::BackUp(DatabaseHarness& node, const std::string& id, const World& world) {
  const Result<> made = Run(node, id);
  if (!made.has_value()) return made.error().With("back up");
  world_ = world;
  return CheckOnEmptyMachine(world);
}

Result<> BackupPlace::Stage(DatabaseHarness& node) {
  ASSIGN_OR_RETURN(const RestoreStatus status, GetRestoreStatus(node.fs(), node.log_fs()));
  if (status.journal.has_value()) {
    const auto discarded = DiscardRestore(node.fs(), node.log_fs(), node.random(), false);
    if (!discarded.has_value()) return discarded.error().With("discard the restore before");
  }
  const Result<> staged = Restore(node, store_, timedir_);
  if (!staged.has_value()) return staged.error().With("restore");
  return Ok();
}

}  // namespace ficus
