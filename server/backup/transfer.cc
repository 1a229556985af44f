#include "server/backup/transfer.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "engine/base/log.h"
#include "engine/runtime/thread.h"
#include "server/backup/checked_file.h"
#include "server/backup/sha256.h"

namespace ficus {
namespace {

struct ReadBack {
  ObjectInfo info;
  Sha256 sha256{};
  uint64_t bytes = 0;
  bool Is(const BackupObject& object) const {
    return bytes == object.size_bytes && sha256 == object.sha256;
  }
};

Result<ReadBack> ReadWhole(ObjectStore& store, std::string_view key, std::stop_token stop) {
  Sha256Stream hash;
  ReadBack back;
  auto take = [&](std::string_view bytes) {
    hash.Update(bytes);
    back.bytes += bytes.size();
    return Ok();
  };
  ASSIGN_OR_RETURN(back.info, store.Get(key, std::nullopt, take, std::move(stop)));
  back.sha256 = hash.Finish();
  return back;
}

// An answer of success alone is none: the store must say that it holds what was sent.
Result<> CheckPut(const PlannedFile& file, const ObjectInfo& info) {
  if (info.size_bytes == file.object.size_bytes && !info.etag.empty()) return Ok();
  return Error{ErrorCode::kIo,
               fmt::format("put {}: the store keeps {} of {} bytes", file.object.key,
                           info.size_bytes, file.object.size_bytes)};
}

}  // namespace

Result<> Transfer::Run(BackupPlan& plan, std::stop_token stop) {
  std::stop_source ended;
  std::stop_callback forward(stop, [&ended] { ended.request_stop(); });
  std::atomic<size_t> next{0};
  Mutex mutex;
  std::optional<Error> first_error;
  auto work = [&] {
    while (!ended.stop_requested()) {
      const size_t i = next++;
      if (i >= plan.files.size()) return;
      auto moved = Move(plan.files[i], ended.get_token());
      if (moved) continue;
      MutexLock lock(mutex);
      if (!first_error) first_error = std::move(moved).error();
      ended.request_stop();
    }
  };
  RunOnThreads("an upload", std::min(settings_.concurrency, plan.files.size()), work);
  if (first_error) return *std::move(first_error);
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "cancelled"};
  std::sort(missing_.begin(), missing_.end());
  return Ok();
}

Result<> Transfer::Move(PlannedFile& file, std::stop_token stop) {
  if (file.is_done || file.route == ObjectRoute::kKept) return Ok();
  if (file.route == ObjectRoute::kCopied) {
    ASSIGN_OR_RETURN(const bool copied, TryCopy(file, stop));
    if (copied) {
      RETURN_IF_ERROR(journal_.AddDone({file.object, file.route}));
      progress_.AddFile(file.route, file.object.size_bytes);
      return Ok();
    }
    file.route = ObjectRoute::kSent;
  }
  return Send(file, stop);
}

// False when the other backup does not have it as its manifest says.
Result<bool> Transfer::TryCopy(PlannedFile& file, std::stop_token stop) {
  auto copied = store_.Copy(file.copy_from, file.object.key, stop);
  if (!copied && copied.error().code != ErrorCode::kNotFound) {
    return std::move(copied).error().With("copy " + file.copy_from);
  }
  if (copied) {
    ASSIGN_OR_RETURN(const ReadBack back, ReadWhole(store_, file.object.key, stop));
    if (back.Is(file.object)) return true;
  }
  LogWarn("backup.copy_refused", "{} is not what its manifest says; sent again as {}",
          file.copy_from, file.object.key);
  return false;
}

Result<> Transfer::Send(PlannedFile& file, std::stop_token stop) {
  const CatalogSnapshot& catalog = snapshot_.contents().catalogs[file.catalog];
  auto checked = CheckedFile::Open(snapshot_, catalog, catalog.files[file.file], stop);
  if (!checked) {
    const Error& error = checked.error();
    if (error.code != ErrorCode::kCorruption || !settings_.allow_missing) return error;
    LogError("backup.damaged_file", "left out: {}", error.message);
    MutexLock lock(mutex_);
    missing_.emplace_back(file.object.key, error.message);
    return Ok();
  }
  file.object.sha256 = (*checked)->sha256();
  // Of a repeated read only what goes beyond the first one counts: progress never falls, and never
  // runs ahead.
  std::atomic<uint64_t> counted{0};
  (*checked)->OnRead([&](uint64_t end) {
    uint64_t before = counted.load();
    while (before < end && !counted.compare_exchange_weak(before, end)) continue;
    if (before < end) progress_.AddBytes(ObjectRoute::kSent, end - before);
  });
  RETURN_IF_ERROR(PutWhole(file, **checked, stop));
  RETURN_IF_ERROR(journal_.AddDone({file.object, file.route}));
  progress_.AddFile(file.route, file.object.size_bytes - counted.load());
  return Ok();
}

// Nothing that lies under the key already is overwritten unread: it may be our own object, whose
// answer was lost, or what an interrupted run has left.
Result<> Transfer::PutWhole(const PlannedFile& file, const ObjectSource& source,
                            std::stop_token stop) {
  const std::string& key = file.object.key;
  PutCondition condition;
  const bool conditional = store_.abilities().conditional_put;
  if (conditional) condition.kind = PutCondition::Kind::kIfAbsent;
  for (int tries = 0; tries < 3; ++tries) {
    auto put = store_.Put(key, source, condition, stop);
    if (put) return CheckPut(file, *put);
    const ErrorCode code = put.error().code;
    const bool refused =
        code == ErrorCode::kAlreadyExists || code == ErrorCode::kFailedPrecondition;
    if (!refused || !conditional) return std::move(put).error().With("put " + key);
    auto back = ReadWhole(store_, key, stop);
    if (back && back->Is(file.object)) return Ok();
    if (back) {
      condition = {PutCondition::Kind::kIfMatch, back->info.etag};
    } else if (back.error().code == ErrorCode::kNotFound) {
      condition = {PutCondition::Kind::kIfAbsent, {}};
    } else {
      return std::move(back).error().With("read back " + key);
    }
  }
  return Error{ErrorCode::kUnavailable, "put " + key + ": somebody else writes it"};
}

}  // namespace ficus
