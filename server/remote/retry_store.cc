#include "server/remote/retry_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "server/remote/store_error.h"

namespace ficus {
namespace {

// A checksum of bytes in the order of their arrival, however they are cut: FNV-1a on words.
class RunningChecksum {
 public:
  void Add(std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t length = std::min(bytes.size(), sizeof word_ - filled_);
      std::memcpy(reinterpret_cast<char*>(&word_) + filled_, bytes.data(), length);
      filled_ += length;
      bytes.remove_prefix(length);
      if (filled_ == sizeof word_) Mix();
    }
  }
  uint64_t value() const { return (sum_ ^ word_ ^ filled_) * kPrime; }

 private:
  static constexpr uint64_t kPrime = 0x100000001b3ULL;

  void Mix() {
    sum_ = (sum_ ^ word_) * kPrime;
    sum_ ^= sum_ >> 29U;
    word_ = 0;
    filled_ = 0;
  }

  uint64_t sum_ = 0xcbf29ce484222325ULL;
  uint64_t word_ = 0;
  size_t filled_ = 0;
};

// Passes reads on and remembers whether one failed.
class WatchedSource final : public ObjectSource {
 public:
  explicit WatchedSource(const ObjectSource& source) : source_(source) {}
  uint64_t size_bytes() const override { return source_.size_bytes(); }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    Result<> read = source_.ReadAt(offset, out);
    failed_ = failed_ || !read.has_value();
    return read;
  }
  bool failed() const { return failed_; }

 private:
  const ObjectSource& source_;
  mutable bool failed_ = false;
};

// Hands each byte of a get on once, over all attempts.
class ResumingSink {
 public:
  explicit ResumingSink(const ObjectStore::Sink& sink) : sink_(sink) {}

  void BeginAttempt() {
    seen_ = 0;
    again_ = RunningChecksum();
  }
  Result<> Take(std::string_view bytes) {
    const auto known = static_cast<size_t>(std::min<uint64_t>(bytes.size(), handed_on_ - seen_));
    RETURN_IF_ERROR(Compare(bytes.substr(0, known)));
    const std::string_view fresh = bytes.substr(known);
    if (fresh.empty()) return Ok();
    seen_ += fresh.size();
    handed_on_ += fresh.size();
    sum_.Add(fresh);
    Result<> taken = sink_(fresh);
    refused_ = refused_ || !taken.has_value();
    return taken;
  }
  // Whether more attempts are pointless: the sink refused, or the object is another one.
  bool final() const { return refused_ || changed_; }
  bool complete() const { return seen_ == handed_on_; }
  uint64_t seen() const { return seen_; }

 private:
  Result<> Compare(std::string_view known) {
    if (known.empty()) return Ok();
    again_.Add(known);
    seen_ += known.size();
    if (seen_ < handed_on_ || again_.value() == sum_.value()) return Ok();
    changed_ = true;
    return Error{ErrorCode::kFailedPrecondition, "the object changed while it was read"};
  }

  const ObjectStore::Sink& sink_;
  uint64_t seen_ = 0;  // by this attempt
  uint64_t handed_on_ = 0;
  RunningChecksum sum_;    // of what was handed on
  RunningChecksum again_;  // of what this attempt has read of that
  bool refused_ = false;
  bool changed_ = false;
};

bool IsVerdict(ErrorCode code) {
  return code == ErrorCode::kAlreadyExists || code == ErrorCode::kFailedPrecondition;
}

}  // namespace

bool MayPass(ErrorCode code) {
  return code == ErrorCode::kIo || code == ErrorCode::kUnavailable ||
         code == ErrorCode::kDeadlineExceeded;
}

int64_t RetryStore::PauseAfter(int attempt) {
  int64_t bound = std::max<int64_t>(policy_.pause_first_nanos, 1);
  for (int i = 1; i < attempt && bound < policy_.pause_max_nanos; ++i) {
    bound = bound > policy_.pause_max_nanos / 2 ? policy_.pause_max_nanos : bound * 2;
  }
  bound = std::max<int64_t>(std::min(bound, policy_.pause_max_nanos), 1);
  return static_cast<int64_t>(random_.Next() % static_cast<uint64_t>(bound)) + 1;
}

template <typename T>
Result<T> RetryStore::Repeat(StoreOp op, std::string_view key, const std::stop_token& stop,
                             const std::function<Result<T>()>& attempt,
                             const std::function<bool()>& is_final) {
  for (int i = 1;; ++i) {
    Result<T> result = attempt();
    if (result.has_value() || !MayPass(result.error().code)) return result;
    if (is_final != nullptr && is_final()) return result;
    if (i >= policy_.attempts) {
      return std::move(result).error().With(fmt::format("after {} attempts", i));
    }
    LogDebug("remote.retry", "{}: attempt {} failed: {}", url(), i, result.error().ToString());
    if (!sleeper_.Sleep(PauseAfter(i), stop)) return StoppedError(op, key);
  }
}

// ----- put -----

Result<ObjectInfo> RetryStore::Put(std::string_view key, const ObjectSource& source,
                                   const PutCondition& condition, std::stop_token stop) {
  if (condition.kind == PutCondition::Kind::kNone) return PutUnconditionally(key, source, stop);
  return PutConditionally(key, source, condition, stop);
}

Result<RetryStore::After> RetryStore::LookAfter(const ObjectInfo& put,
                                                const std::stop_token& stop) {
  const Result<ObjectInfo> head = inner().Head(put.key, stop);
  if (!head) {
    if (head.error().code == ErrorCode::kNotFound) return After::kDamaged;
    return head.error();
  }
  if (*head == put) return After::kSame;
  return head->etag == put.etag ? After::kDamaged : After::kReplaced;
}

Result<ObjectInfo> RetryStore::Confirm(const ObjectInfo& put, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const After after, LookAfter(put, stop));
  if (after == After::kSame) return put;
  return Error{ErrorCode::kIo, fmt::format("put {}: the object is another one afterwards than "
                                           "{} bytes with etag {}",
                                           put.key, put.size_bytes, put.etag)};
}

Result<ObjectInfo> RetryStore::PutUnconditionally(std::string_view key, const ObjectSource& source,
                                                  const std::stop_token& stop) {
  const WatchedSource watched(source);
  const auto attempt = [&]() -> Result<ObjectInfo> {
    ASSIGN_OR_RETURN(ObjectInfo put, inner().Put(key, watched, {}, stop));
    put.size_bytes = source.size_bytes();
    return Confirm(put, stop);
  };
  return Repeat<ObjectInfo>(StoreOp::kPut, key, stop, attempt, [&] { return watched.failed(); });
}

Result<ObjectInfo> RetryStore::PutConditionally(std::string_view key, const ObjectSource& source,
                                                const PutCondition& condition,
                                                const std::stop_token& stop) {
  const WatchedSource watched(source);
  Doubt doubt = Doubt::kNone;
  const auto attempt = [&] { return PutOnce(key, watched, condition, stop, doubt); };
  const auto is_final = [&] { return watched.failed() || doubt == Doubt::kForEver; };
  return Repeat<ObjectInfo>(StoreOp::kPut, key, stop, attempt, is_final);
}

Result<ObjectInfo> RetryStore::PutOnce(std::string_view key, const ObjectSource& source,
                                       const PutCondition& condition, const std::stop_token& stop,
                                       Doubt& doubt) {
  Result<ObjectInfo> put = inner().Put(key, source, condition, stop);
  const bool stale = !put.has_value() && put.error().code == ErrorCode::kFailedPrecondition;
  if (put.has_value()) {
    put->size_bytes = source.size_bytes();
    const Result<After> after = LookAfter(*put, stop);
    if (after.has_value() && *after != After::kDamaged) return put;
    doubt = Doubt::kUntilSeen;
    if (after.has_value()) {
      put = Error{ErrorCode::kFailedPrecondition,
                  "put " + std::string(key) + ": the object is damaged or gone afterwards"};
    } else {
      put = after.error();
    }
  }
  const ErrorCode code = put.error().code;
  if (MayPass(code)) doubt = Doubt::kUntilSeen;
  if (doubt == Doubt::kNone || !(MayPass(code) || IsVerdict(code))) return put;
  ASSIGN_OR_RETURN(const auto same, FindSame(key, source, stop));
  if (same.has_value()) return *same;
  if (!stale) return put;
  doubt = Doubt::kForEver;
  return Error{ErrorCode::kUnavailable,
               fmt::format("put {}: an answer was lost, and another object is there now", key)};
}

Result<std::optional<ObjectInfo>> RetryStore::FindSame(std::string_view key,
                                                       const ObjectSource& source,
                                                       const std::stop_token& stop) {
  const std::optional<ObjectInfo> none;
  uint64_t offset = 0;
  bool same = true;
  bool source_failed = false;
  const auto compare = [&](std::string_view bytes) -> Result<> {
    same = same && bytes.size() <= source.size_bytes() - offset;
    if (!same) return Error{ErrorCode::kCancelled, "another object"};
    std::string expected(bytes.size(), '\0');
    Result<> read = source.ReadAt(offset, expected);
    source_failed = !read.has_value();
    RETURN_IF_ERROR(read);
    offset += bytes.size();
    same = expected == bytes;
    return same ? Ok() : Result<>(Error{ErrorCode::kCancelled, "another object"});
  };
  const Result<ObjectInfo> got = inner().Get(key, std::nullopt, compare, stop);
  if (source_failed) return got.error();
  if (!same) return none;
  if (!got.has_value()) {
    if (got.error().code == ErrorCode::kNotFound) return none;
    return got.error();
  }
  if (got->size_bytes != source.size_bytes() || offset != source.size_bytes()) return none;
  return std::optional<ObjectInfo>(*got);
}

// ----- the others -----

Result<ObjectInfo> RetryStore::Get(std::string_view key, std::optional<ByteRange> range,
                                   const Sink& sink, std::stop_token stop) {
  ResumingSink resuming(sink);
  const auto attempt = [&]() -> Result<ObjectInfo> {
    resuming.BeginAttempt();
    const auto take = [&](std::string_view bytes) { return resuming.Take(bytes); };
    ASSIGN_OR_RETURN(ObjectInfo info, inner().Get(key, range, take, stop));
    const uint64_t expected = range.has_value() ? range->length : info.size_bytes;
    if (resuming.complete() && resuming.seen() == expected) return info;
    return Error{ErrorCode::kIo,
                 fmt::format("get {}: {} bytes instead of {}", key, resuming.seen(), expected)};
  };
  return Repeat<ObjectInfo>(StoreOp::kGet, key, stop, attempt, [&] { return resuming.final(); });
}

Result<ObjectInfo> RetryStore::Head(std::string_view key, std::stop_token stop) {
  return Repeat<ObjectInfo>(StoreOp::kHead, key, stop, [&] { return inner().Head(key, stop); });
}

Result<ObjectInfo> RetryStore::Copy(std::string_view from, std::string_view to,
                                    std::stop_token stop) {
  const auto attempt = [&]() -> Result<ObjectInfo> {
    ASSIGN_OR_RETURN(const ObjectInfo copied, inner().Copy(from, to, stop));
    return Confirm(copied, stop);
  };
  return Repeat<ObjectInfo>(StoreOp::kCopy, to, stop, attempt);
}

Result<> RetryStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  const std::string_view first = keys.empty() ? std::string_view() : keys.front();
  return Repeat<void>(StoreOp::kDelete, first, stop, [&] { return inner().Delete(keys, stop); });
}

Result<ListPage> RetryStore::List(const ListRequest& request, std::stop_token stop) {
  return Repeat<ListPage>(StoreOp::kList, request.prefix, stop,
                          [&] { return inner().List(request, stop); });
}

}  // namespace ficus
