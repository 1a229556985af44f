#include "engine/wal/log.h"

#include <utility>

#include "engine/base/check.h"
#include "engine/wal/log_core.h"
#include "engine/wal/log_reader.h"
#include "engine/wal/log_recovery.h"

namespace ficus {
namespace {

constexpr std::string_view kLockName = "LOCK";

class DirectoryLog final : public Log {
 public:
  // `reader` is null for a log that was created.
  DirectoryLog(std::shared_ptr<LogCore> core, std::unique_ptr<LogReader> reader, LogOpening opening)
      : core_(std::move(core)), reader_(std::move(reader)), opening_(opening) {}
  ~DirectoryLog() override { core_->Abandon(); }

  const LogOpening& opening() const override { return opening_; }
  Result<> Replay(LogPosition from, const Visit& visit) override;
  Result<> Start(LogPosition above, Scn scn) override { return core_->Start(above, scn); }
  Result<> Append(std::string payload, Durability must, Done done) override {
    return core_->Append(std::move(payload), must, std::move(done));
  }
  LogPosition last_position() const override { return core_->last_position(); }
  LogPosition durable_position() const override { return core_->durable_position(); }
  LogPosition told_position() const override { return core_->told_position(); }
  LogId id() const override { return opening_.id; }
  void SyncTo(LogPosition position, std::function<void()> done) override {
    core_->SyncTo(position, std::move(done));
  }
  Result<> Trim(LogPosition position) override { return core_->Trim(position); }
  std::vector<FileSummary> files() const override { return core_->files(); }
  void Close() override { core_->Close(); }

 private:
  const std::shared_ptr<LogCore> core_;
  const std::unique_ptr<LogReader> reader_;
  const LogOpening opening_;
};

Result<> DirectoryLog::Replay(LogPosition from, const Visit& visit) {
  if (reader_ == nullptr) return Ok();
  return reader_->Read(from, [&](const LogReader::Batch& batch) {
    return visit(batch.position, batch.scn, batch.payload);
  });
}

Log::FileSummary SummaryOf(const LogFileReport& file) {
  return {file.number, file.first, file.last, file.intact_end, file.header->created};
}

LogFound FoundIn(const RecoveredLog& log) {
  const LogReport& report = log.reader->report();
  LogFound found;
  found.id = report.id;
  found.last = report.last;
  found.highest = log.highest;
  found.scn = report.scn;
  found.chain = report.files.back().chain;
  found.next_number = report.files.back().number + 1;
  for (const LogFileReport& file : report.files) found.files.push_back(SummaryOf(file));
  return found;
}

LogOpening OpeningOf(const RecoveredLog& log) {
  const LogReport& report = log.reader->report();
  return {.id = report.id,
          .created = false,
          .first = report.first,
          .last = report.last,
          .scn = report.scn,
          .highest = log.highest,
          .torn_tail = log.torn_tail,
          .damaged = log.damaged};
}

Result<std::unique_ptr<Log>> Create(Log::Environment environment, const LogOptions& options,
                                    std::unique_ptr<FileLock> lock) {
  RETURN_IF_ERROR(RemoveLogTemporaries(environment.fs));
  LogFound found;
  found.id = LogId(environment.random.NextId());
  found.created = true;
  LogOpening opening;
  opening.id = found.id;
  opening.created = true;
  opening.first = LogPosition(1);
  auto core = std::make_shared<LogCore>(environment, options, std::move(found), std::move(lock));
  return std::unique_ptr<Log>(std::make_unique<DirectoryLog>(std::move(core), nullptr, opening));
}

}  // namespace

Result<std::unique_ptr<Log>> Log::Open(Environment environment, const LogOptions& options) {
  ASSIGN_OR_RETURN(auto lock, environment.fs.Lock(kLockName));
  auto recovered =
      RecoverLog(environment.fs, environment.random,
                 options.accept_damage ? OnDamage::kSetAside : OnDamage::kRefuse, options.stop);
  if (!recovered) {
    const bool missing = recovered.error().code == ErrorCode::kNotFound;
    if (missing && options.create_if_missing) {
      return Create(environment, options, std::move(lock));
    }
    return std::move(recovered).error().With("open log");
  }
  const LogOpening opening = OpeningOf(*recovered);
  auto core = std::make_shared<LogCore>(environment, options, FoundIn(*recovered), std::move(lock));
  return std::unique_ptr<Log>(
      std::make_unique<DirectoryLog>(std::move(core), std::move(recovered->reader), opening));
}

}  // namespace ficus
