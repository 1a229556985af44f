#include "engine/io/faulty_file_system.h"

#include <atomic>
#include <utility>

#include "engine/base/check.h"
#include "engine/io/fault_injector.h"
#include "engine/io/io_error.h"
#include "engine/io/sequential_batch.h"
#include "engine/io/sync_loss.h"

namespace ficus {
namespace {

class FaultyFile final : public File, public SyncLoss {
 public:
  FaultyFile(FaultInjector& injector, std::unique_ptr<File> inner, OpenMode mode)
      : injector_(injector),
        inner_(std::move(inner)),
        space_(mode == OpenMode::kCreate ? FileSpace::kUnreserved : FileSpace::kReserved) {}

  Result<> ReadAt(uint64_t offset, std::span<char> out) override {
    return Read(offset, out, Next(IoOp::kRead));
  }
  Result<> WriteAt(uint64_t offset, std::string_view data) override {
    return Write(offset, data, Next(IoOp::kWrite));
  }
  Result<> Sync(SyncKind kind) override;
  Result<> Allocate(uint64_t offset, uint64_t bytes) override;
  Result<> Truncate(uint64_t bytes) override;
  Result<uint64_t> Size() override;
  Result<> DropCache() override { return inner_->DropCache(); }

  bool direct() const override { return inner_->direct(); }
  FileClass file_class() const override { return inner_->file_class(); }
  const std::string& path() const override { return inner_->path(); }

  void LoseUnsynced() override {
    if (auto* model = dynamic_cast<SyncLoss*>(inner_.get()); model != nullptr) {
      model->LoseUnsynced();
    }
  }

  File& inner() { return *inner_; }
  std::optional<Fault> Next(IoOp op) { return injector_.Next(op, file_class(), path()); }
  // With the fault that Next() gave.
  Result<> Read(uint64_t offset, std::span<char> out, std::optional<Fault> fault);
  Result<> Write(uint64_t offset, std::string_view data, std::optional<Fault> fault);

 private:
  size_t Half(size_t bytes) const;
  Error Fail(IoOp op, const Fault& fault) const;

  FaultInjector& injector_;
  const std::unique_ptr<File> inner_;
  std::atomic<FileSpace> space_;
};

Error FaultyFile::Fail(IoOp op, const Fault& fault) const {
  return EnforceVerdict(op, IoError(op, path(), fault.error_number), file_class(), space_);
}

size_t FaultyFile::Half(size_t bytes) const {
  const size_t half = bytes / 2;
  return direct() ? half / kDirectAlignment * kDirectAlignment : half;
}

Result<> FaultyFile::Read(uint64_t offset, std::span<char> out, std::optional<Fault> fault) {
  if (!fault) return inner_->ReadAt(offset, out);
  const size_t first = fault->short_transfer ? Half(out.size()) : 0;
  RETURN_IF_ERROR(inner_->ReadAt(offset, out.subspan(0, first)));
  if (fault->error_number != 0) return Fail(IoOp::kRead, *fault);
  return inner_->ReadAt(offset + first, out.subspan(first));
}

Result<> FaultyFile::Write(uint64_t offset, std::string_view data, std::optional<Fault> fault) {
  if (!fault) return inner_->WriteAt(offset, data);
  const size_t first = fault->short_transfer ? Half(data.size()) : 0;
  RETURN_IF_ERROR(inner_->WriteAt(offset, data.substr(0, first)));
  if (fault->kill) KillThisProcess();
  if (fault->error_number != 0) return Fail(IoOp::kWrite, *fault);
  return inner_->WriteAt(offset + first, data.substr(first));
}

Result<> FaultyFile::Sync(SyncKind kind) {
  const auto fault = Next(IoOp::kSync);
  if (!fault || fault->error_number == 0) return inner_->Sync(kind);
  LoseUnsynced();
  return Fail(IoOp::kSync, *fault);
}

Result<> FaultyFile::Allocate(uint64_t offset, uint64_t bytes) {
  const auto fault = Next(IoOp::kAllocate);
  if (fault && fault->error_number != 0) return Fail(IoOp::kAllocate, *fault);
  Result<> allocated = inner_->Allocate(offset, bytes);
  if (allocated && bytes > 0) space_ = FileSpace::kReserved;
  return allocated;
}

Result<> FaultyFile::Truncate(uint64_t bytes) {
  const auto fault = Next(IoOp::kTruncate);
  if (fault && fault->error_number != 0) return Fail(IoOp::kTruncate, *fault);
  return inner_->Truncate(bytes);
}

Result<uint64_t> FaultyFile::Size() {
  const auto fault = Next(IoOp::kStatus);
  if (fault && fault->error_number != 0) return Fail(IoOp::kStatus, *fault);
  return inner_->Size();
}

class FaultyFileSystemImpl final : public FaultyFileSystem, public DirectorySyncLoss {
 public:
  explicit FaultyFileSystemImpl(FileSystem& inner) : inner_(inner) {}
  explicit FaultyFileSystemImpl(std::unique_ptr<FileSystem> inner)
      : owned_(std::move(inner)), inner_(*owned_) {}

  Result<std::unique_ptr<File>> Open(std::string_view path, OpenOptions options) override;
  Result<> Read(ReadBatch& batch) override;
  Result<> Write(WriteBatch& batch) override;
  Result<> Rename(std::string_view from, std::string_view to, FileClass file_class) override;
  Result<> Link(std::string_view from, std::string_view to) override;
  Result<> Remove(std::string_view path) override;
  Result<> CreateDirectory(std::string_view path) override;
  Result<> RemoveDirectory(std::string_view path) override;
  Result<> SyncDirectory(std::string_view path, FileClass file_class) override;
  Result<std::vector<DirectoryEntry>> List(std::string_view path) override;
  Result<FileStatus> Status(std::string_view path) override;
  Result<SpaceStatus> Space() override;
  Result<std::unique_ptr<FileLock>> Lock(std::string_view path) override;
  WriteChunk TakeChunk(size_t bytes) override { return inner_.TakeChunk(bytes); }
  std::string_view engine() const override { return inner_.engine(); }
  const std::string& root() const override { return inner_.root(); }

  void AddRule(FaultRule rule) override { injector_.AddRule(std::move(rule)); }
  void ClearRules() override { injector_.ClearRules(); }
  void Release() override { injector_.Release(); }
  size_t stalled() const override { return injector_.stalled(); }
  uint64_t operations() const override { return injector_.operations(); }
  uint64_t faults() const override { return injector_.faults(); }

  void LoseUnsyncedNames(std::string_view path) override;

 private:
  // The error of an operation on names, if it is to have one.
  std::optional<Error> FaultOf(IoOp op, std::string_view path,
                               std::optional<FileClass> file_class = std::nullopt);
  Result<> PassOn(WriteBatch& batch);
  void WriteWithFaults(WriteBatch& batch);

  const std::unique_ptr<FileSystem> owned_;
  FileSystem& inner_;
  FaultInjector injector_;
};

FaultyFile& FaultyFileOf(File& file) {
  auto* faulty = dynamic_cast<FaultyFile*>(&file);
  CHECK(faulty != nullptr) << file.path() << " is of another file system";
  return *faulty;
}

std::string PairOf(std::string_view from, std::string_view to) {
  return std::string(from) + " to " + std::string(to);
}

std::optional<Error> FaultyFileSystemImpl::FaultOf(IoOp op, std::string_view path,
                                                   std::optional<FileClass> file_class) {
  const auto fault = injector_.Next(op, file_class, path);
  if (!fault || fault->error_number == 0) return std::nullopt;
  return IoError(op, path, fault->error_number);
}

Result<std::unique_ptr<File>> FaultyFileSystemImpl::Open(std::string_view path,
                                                         OpenOptions options) {
  if (auto error = FaultOf(IoOp::kOpen, path, options.file_class)) {
    return EnforceVerdict(IoOp::kOpen, *std::move(error), options.file_class);
  }
  ASSIGN_OR_RETURN(auto file, inner_.Open(path, options));
  return std::unique_ptr<File>(
      std::make_unique<FaultyFile>(injector_, std::move(file), options.mode));
}

// What has no fault goes on together; what has one follows, one by one.
Result<> FaultyFileSystemImpl::Read(ReadBatch& batch) {
  ReadBatch sound;
  std::vector<Result<>*> results;
  std::vector<std::pair<ReadBatch::Op*, Fault>> faulty;
  for (ReadBatch::Op& op : batch.ops()) {
    FaultyFile& file = FaultyFileOf(*op.file);
    if (const auto fault = file.Next(IoOp::kRead)) {
      faulty.emplace_back(&op, *fault);
    } else {
      sound.Add(file.inner(), op.offset, op.out);
      results.push_back(&op.result);
    }
  }
  static_cast<void>(inner_.Read(sound).has_value());  // each result is taken over below
  for (size_t i = 0; i < results.size(); ++i) *results[i] = sound.ops()[i].result;
  for (const auto& [op, fault] : faulty) {
    op->result = FaultyFileOf(*op->file).Read(op->offset, op->out, fault);
  }
  return FirstError(batch);
}

Result<> FaultyFileSystemImpl::Write(WriteBatch& batch) {
  if (injector_.PassAll(batch.ops().size() + batch.syncs().size())) return PassOn(batch);
  WriteWithFaults(batch);
  SyncOneByOne(batch);
  return FirstError(batch);
}

Result<> FaultyFileSystemImpl::PassOn(WriteBatch& batch) {
  WriteBatch inner;
  for (const WriteBatch::Op& op : batch.ops()) {
    inner.Write(FaultyFileOf(*op.file).inner(), op.offset, op.data);
  }
  for (const WriteBatch::SyncOp& op : batch.syncs()) {
    inner.Sync(FaultyFileOf(*op.file).inner(), op.kind);
  }
  Result<> written = inner_.Write(inner);
  for (size_t i = 0; i < batch.ops().size(); ++i) batch.ops()[i].result = inner.ops()[i].result;
  for (size_t i = 0; i < batch.syncs().size(); ++i) {
    batch.syncs()[i].result = inner.syncs()[i].result;
  }
  return written;
}

void FaultyFileSystemImpl::WriteWithFaults(WriteBatch& batch) {
  WriteBatch sound;
  std::vector<Result<>*> results;
  std::vector<std::pair<WriteBatch::Op*, Fault>> faulty;
  for (WriteBatch::Op& op : batch.ops()) {
    FaultyFile& file = FaultyFileOf(*op.file);
    if (const auto fault = file.Next(IoOp::kWrite)) {
      faulty.emplace_back(&op, *fault);
    } else {
      sound.Write(file.inner(), op.offset, op.data);
      results.push_back(&op.result);
    }
  }
  static_cast<void>(inner_.Write(sound).has_value());  // each result is taken over below
  for (size_t i = 0; i < results.size(); ++i) *results[i] = sound.ops()[i].result;
  for (const auto& [op, fault] : faulty) {
    op->result = FaultyFileOf(*op->file).Write(op->offset, op->data, fault);
  }
}

Result<> FaultyFileSystemImpl::Rename(std::string_view from, std::string_view to,
                                      FileClass file_class) {
  if (auto error = FaultOf(IoOp::kRename, PairOf(from, to), file_class)) {
    return EnforceVerdict(IoOp::kRename, *std::move(error), file_class);
  }
  return inner_.Rename(from, to, file_class);
}

Result<> FaultyFileSystemImpl::Link(std::string_view from, std::string_view to) {
  if (auto error = FaultOf(IoOp::kLink, PairOf(from, to))) return *std::move(error);
  return inner_.Link(from, to);
}

Result<> FaultyFileSystemImpl::Remove(std::string_view path) {
  if (auto error = FaultOf(IoOp::kRemove, path)) return *std::move(error);
  return inner_.Remove(path);
}

Result<> FaultyFileSystemImpl::CreateDirectory(std::string_view path) {
  if (auto error = FaultOf(IoOp::kCreateDirectory, path)) return *std::move(error);
  return inner_.CreateDirectory(path);
}

Result<> FaultyFileSystemImpl::RemoveDirectory(std::string_view path) {
  if (auto error = FaultOf(IoOp::kRemove, path)) return *std::move(error);
  return inner_.RemoveDirectory(path);
}

Result<> FaultyFileSystemImpl::SyncDirectory(std::string_view path, FileClass file_class) {
  if (auto error = FaultOf(IoOp::kSyncDirectory, path, file_class)) {
    LoseUnsyncedNames(path);
    return EnforceVerdict(IoOp::kSyncDirectory, *std::move(error), file_class);
  }
  return inner_.SyncDirectory(path, file_class);
}

Result<std::vector<DirectoryEntry>> FaultyFileSystemImpl::List(std::string_view path) {
  if (auto error = FaultOf(IoOp::kList, path)) return *std::move(error);
  return inner_.List(path);
}

Result<FileStatus> FaultyFileSystemImpl::Status(std::string_view path) {
  if (auto error = FaultOf(IoOp::kStatus, path)) return *std::move(error);
  return inner_.Status(path);
}

Result<SpaceStatus> FaultyFileSystemImpl::Space() {
  if (auto error = FaultOf(IoOp::kStatus, "")) return *std::move(error);
  return inner_.Space();
}

Result<std::unique_ptr<FileLock>> FaultyFileSystemImpl::Lock(std::string_view path) {
  if (auto error = FaultOf(IoOp::kLock, path)) return *std::move(error);
  return inner_.Lock(path);
}

void FaultyFileSystemImpl::LoseUnsyncedNames(std::string_view path) {
  if (auto* model = dynamic_cast<DirectorySyncLoss*>(&inner_); model != nullptr) {
    model->LoseUnsyncedNames(path);
  }
}

}  // namespace

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::Create(FileSystem& inner) {
  return std::make_unique<FaultyFileSystemImpl>(inner);
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::Create(std::unique_ptr<FileSystem> inner) {
  return std::make_unique<FaultyFileSystemImpl>(std::move(inner));
}

}  // namespace ficus
