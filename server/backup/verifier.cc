#include "server/backup/verifier.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/runtime/thread.h"
#include "server/backup/repository_keys.h"

namespace ficus {
namespace {

constexpr size_t kConcurrencyMax = 64;
constexpr size_t kExtraNamesMax = 20;
// More damaged objects than this are counted in a note, so that the record can be written.
constexpr size_t kDamagedMax = 500'000;

// Whether an error of reading one object is about that object, and not about the store.
bool IsDamage(ErrorCode code) {
  return code == ErrorCode::kNotFound || code == ErrorCode::kCorruption || code == ErrorCode::kIo;
}

std::string ReasonOf(const Error& error) {
  return error.code == ErrorCode::kNotFound ? "missing" : error.ToString();
}

// Objects that the reading threads take one after another, and what they find.
class ReadBack {
 public:
  ReadBack(ObjectStore& store, const std::vector<const BackupObject*>& objects,
           const VerifyProgressSink& progress)
      : store_(store), objects_(objects), sink_(progress) {
    progress_.objects_total = objects.size();
    for (const BackupObject* object : objects) progress_.bytes_total += object->size_bytes;
  }

  // The loop of one thread.
  void Work(std::stop_token stop) {
    for (size_t i = next_.fetch_add(1); i < objects_.size(); i = next_.fetch_add(1)) {
      if (stop.stop_requested() || HasFailed()) return;
      const BackupObject& object = *objects_[i];
      uint64_t bytes = 0;
      const Result<std::optional<std::string>> damage = Read(object, stop, bytes);
      Note(object, damage, bytes);
    }
  }

  Result<> Finish(std::stop_token stop, VerificationRecord& record,
                  std::map<std::string, std::string>& damaged) {
    const MutexLock lock(mutex_);
    if (error_) return *error_;
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "verification was stopped"};
    record.objects_read = progress_.objects_done;
    record.bytes_read = bytes_read_;
    damaged.insert(damaged_.begin(), damaged_.end());
    return Ok();
  }

 private:
  bool HasFailed() {
    const MutexLock lock(mutex_);
    return error_.has_value();
  }

  // What is wrong with the object; none when nothing is. An error is the store's.
  Result<std::optional<std::string>> Read(const BackupObject& object, const std::stop_token& stop,
                                          uint64_t& bytes) {
    Sha256Stream hash;
    const Result<ObjectInfo> got = store_.Get(
        object.key, std::nullopt,
        [&](std::string_view piece) -> Result<> {
          bytes += piece.size();
          if (bytes > object.size_bytes) {
            return Error{ErrorCode::kCorruption, "is longer than its manifest says"};
          }
          hash.Update(piece);
          return Ok();
        },
        stop);
    if (!got && !IsDamage(got.error().code)) return got.error().With("read " + object.key);
    if (!got) return std::optional<std::string>(ReasonOf(got.error()));
    if (bytes != object.size_bytes) {
      return std::optional<std::string>(
          fmt::format("has {} bytes, not {}", bytes, object.size_bytes));
    }
    if (hash.Finish() != object.sha256) return std::optional<std::string>("has another sha256");
    return std::optional<std::string>();
  }

  void Note(const BackupObject& object, const Result<std::optional<std::string>>& damage,
            uint64_t bytes) {
    const MutexLock lock(mutex_);
    bytes_read_ += bytes;
    if (!damage) {
      if (!error_) error_ = damage.error();
      return;
    }
    if (damage->has_value()) damaged_[object.key] = **damage;
    ++progress_.objects_done;
    progress_.bytes_done += object.size_bytes;
    if (sink_) sink_(progress_);
  }

  ObjectStore& store_;
  const std::vector<const BackupObject*>& objects_;
  const VerifyProgressSink& sink_;
  std::atomic<size_t> next_{0};

  Mutex mutex_;
  std::optional<Error> error_ GUARDED_BY(mutex_);
  VerifyProgress progress_ GUARDED_BY(mutex_);
  uint64_t bytes_read_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::string> damaged_ GUARDED_BY(mutex_);
};

class Verification {
 public:
  Verification(ObjectStore& store, const CommitRecord& commit, const VerifyRequest& request,
               std::stop_token stop)
      : store_(store), commit_(commit), request_(request), stop_(std::move(stop)) {
    record_.timedir = commit.timedir;
    record_.generation = commit.generation;
    record_.commit_run = commit.run;
    record_.level = request.level;
  }

  Result<VerificationRecord> Run(const Clock& clock, const VerifyProgressSink& progress) {
    RETURN_IF_ERROR(CheckCommit());
    RETURN_IF_ERROR(CheckOldVerdict());
    ASSIGN_OR_RETURN(const std::optional<BackupManifest> manifest, LoadManifest());
    if (manifest) {
      RETURN_IF_ERROR(CheckSizes(*manifest));
      if (request_.level != VerifyLevel::kQuick) RETURN_IF_ERROR(ReadObjects(*manifest, progress));
    }
    for (auto& [key, reason] : damaged_) {
      if (record_.damaged.size() == kDamagedMax) {
        record_.notes.push_back(
            fmt::format("{} more objects are damaged", damaged_.size() - kDamagedMax));
        break;
      }
      record_.damaged.push_back({key, reason});
    }
    record_.verified_at = clock.Now();
    return std::move(record_);
  }

 private:
  // The text of a record; none, with `key` damaged, when it cannot be had.
  Result<std::optional<std::string>> Read(const std::string& key, uint64_t bytes_max) {
    Result<std::string> text = GetText(store_, key, bytes_max, stop_);
    if (text) return std::optional<std::string>(std::move(*text));
    const ErrorCode code = text.error().code;
    if (!IsDamage(code) && code != ErrorCode::kResourceExhausted) {
      return std::move(text).error().With("read " + key);
    }
    damaged_[key] = ReasonOf(text.error());
    return std::optional<std::string>();
  }

  Result<> CheckCommit() {
    const std::string key = CommitKey(commit_.timedir, commit_.generation);
    ASSIGN_OR_RETURN(const std::optional<std::string> text, Read(key, kRecordBytesMax));
    if (!text) return Ok();
    const Result<CommitRecord> commit = DecodeCommit(*text);
    if (!commit) {
      damaged_[key] = commit.error().ToString();
    } else if (!(*commit == commit_)) {
      damaged_[key] = "is the commit of another run";
    }
    return Ok();
  }

  // An older verdict is no part of the backup: one that cannot be read is noted and replaced.
  Result<> CheckOldVerdict() {
    const std::string key = VerifiedKey(commit_.timedir, commit_.generation);
    const Result<std::string> text = GetText(store_, key, kVerificationBytesMax, stop_);
    if (!text) {
      if (text.error().code == ErrorCode::kNotFound) return Ok();
      if (!IsDamage(text.error().code)) return text.error().With("read " + key);
      record_.notes.push_back(key + " is damaged: " + text.error().ToString());
      return Ok();
    }
    if (const auto old = DecodeVerification(*text); !old) {
      record_.notes.push_back(key + " is damaged: " + old.error().ToString());
    }
    return Ok();
  }

  Result<std::optional<BackupManifest>> LoadManifest() {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                     Read(commit_.manifest_key, commit_.manifest_bytes));
    if (!bytes) return std::optional<BackupManifest>();
    Result<BackupManifest> manifest = DecodeManifestOf(commit_, *bytes);
    if (manifest) return std::optional<BackupManifest>(std::move(*manifest));
    if (manifest.error().code == ErrorCode::kUnsupportedVersion) {
      return std::move(manifest).error().With(commit_.manifest_key);
    }
    damaged_[commit_.manifest_key] = manifest.error().ToString();
    return std::optional<BackupManifest>();
  }

  // One listing of the time directory against the manifest.
  Result<> CheckSizes(const BackupManifest& manifest) {
    const std::vector<BackupObject>& objects = manifest.objects;
    std::vector<bool> seen(objects.size(), false);
    uint64_t extra = 0;
    std::string names;
    ListRequest request;
    request.prefix = commit_.timedir + "/";
    RETURN_IF_ERROR(ListAll(
        store_, request,
        [&](const ObjectInfo& info) {
          const auto object = std::lower_bound(
              objects.begin(), objects.end(), info.key,
              [](const BackupObject& each, const std::string& key) { return each.key < key; });
          if (object == objects.end() || object->key != info.key) {
            if (extra++ < kExtraNamesMax) names += (names.empty() ? "" : ", ") + info.key;
            return true;
          }
          seen[static_cast<size_t>(object - objects.begin())] = true;
          if (info.size_bytes != object->size_bytes) {
            damaged_[info.key] =
                fmt::format("has {} bytes, not {}", info.size_bytes, object->size_bytes);
          }
          return true;
        },
        stop_));
    for (size_t i = 0; i < objects.size(); ++i) {
      if (!seen[i]) damaged_[objects[i].key] = "missing";
    }
    if (extra > 0) {
      record_.notes.push_back(fmt::format("{} objects that the manifest does not name: {}{}", extra,
                                          names, extra > kExtraNamesMax ? ", ..." : ""));
    }
    return Ok();
  }

  // The objects to read: all, or as many as make up the share of a sample.
  std::vector<const BackupObject*> Choose(const BackupManifest& manifest) {
    std::vector<const BackupObject*> chosen;
    uint64_t total = 0;
    for (const BackupObject& object : manifest.objects) {
      total += object.size_bytes;
      chosen.push_back(&object);
    }
    if (request_.level == VerifyLevel::kSample) {
      SeededRandom random(request_.seed);
      for (size_t i = chosen.size(); i > 1; --i) {
        std::swap(chosen[i - 1], chosen[static_cast<size_t>(random.Below(i))]);
      }
      const double wanted = static_cast<double>(total) * request_.sample_percent / 100;
      uint64_t bytes = 0;
      size_t count = 0;
      while (
          count < chosen.size() && request_.sample_percent > 0 &&
          (request_.sample_percent >= 100 || count == 0 || static_cast<double>(bytes) < wanted)) {
        bytes += chosen[count++]->size_bytes;
      }
      chosen.resize(count);
    }
    // What the listing found needs no reading.
    chosen.erase(
        std::remove_if(chosen.begin(), chosen.end(),
                       [&](const BackupObject* object) { return damaged_.count(object->key) > 0; }),
        chosen.end());
    return chosen;
  }

  Result<> ReadObjects(const BackupManifest& manifest, const VerifyProgressSink& progress) {
    const std::vector<const BackupObject*> chosen = Choose(manifest);
    ReadBack read_back(store_, chosen, progress);
    RunOnThreads("a verification", std::min(request_.concurrency, chosen.size()),
                 [&] { read_back.Work(stop_); });
    return read_back.Finish(stop_, record_, damaged_);
  }

  ObjectStore& store_;
  const CommitRecord& commit_;
  const VerifyRequest& request_;
  const std::stop_token stop_;
  VerificationRecord record_;
  std::map<std::string, std::string> damaged_;
};

// Whether `later` may stand where `earlier` stands.
bool Replaces(const VerificationRecord& later, const VerificationRecord& earlier) {
  if (earlier.commit_run != later.commit_run || !later.damaged.empty()) return true;
  if (!earlier.damaged.empty()) return later.level == VerifyLevel::kFull;
  return later.level >= earlier.level;
}

}  // namespace

Result<VerificationRecord> Verify(ObjectStore& store, const CommitRecord& commit,
                                  const VerifyRequest& request, const Clock& clock,
                                  std::stop_token stop, const VerifyProgressSink& progress) {
  if (request.concurrency < 1 || request.concurrency > kConcurrencyMax) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("concurrency {} is not between 1 and {}",
                                                          request.concurrency, kConcurrencyMax)};
  }
  if (!(request.sample_percent >= 0 && request.sample_percent <= 100)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("sample of {} % is not between 0 and 100", request.sample_percent)};
  }
  return Verification(store, commit, request, std::move(stop)).Run(clock, progress);
}

Result<bool> RecordVerification(ObjectStore& store, const VerificationRecord& verification,
                                std::stop_token stop) {
  const std::string key = VerifiedKey(verification.timedir, verification.generation);
  const Result<std::string> text = GetText(store, key, kVerificationBytesMax, stop);
  if (text) {
    const Result<VerificationRecord> earlier = DecodeVerification(*text);
    if (earlier && !Replaces(verification, *earlier)) return false;
  } else if (text.error().code != ErrorCode::kNotFound && !IsDamage(text.error().code) &&
             text.error().code != ErrorCode::kResourceExhausted) {
    return text.error().With("read " + key);
  }
  const std::string bytes = EncodeVerification(verification);
  const Result<ObjectInfo> put = store.Put(key, TextSource(bytes), {}, std::move(stop));
  if (!put) return put.error().With("put " + key);
  return true;
}

}  // namespace ficus
