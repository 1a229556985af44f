#include "server/backup/lease.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "engine/base/id.h"
#include "engine/base/log.h"
#include "engine/runtime/thread.h"
#include "server/backup/manifest.h"
#include "server/backup/repository_keys.h"
#include "server/backup/time_limit.h"

namespace ficus {
namespace {

// How soon whoever waits for another's renewal notices that it shall stop.
constexpr std::chrono::milliseconds kWaitMax{50};

Error Lost(const std::string& url) {
  return {ErrorCode::kFailedPrecondition,
          "the lease of " + url + " is lost: another run has taken it over"};
}

PutCondition ConditionOver(ObjectStore& store, const std::string* etag) {
  if (!store.abilities().conditional_put) return {};
  if (etag == nullptr) return {PutCondition::Kind::kIfAbsent, {}};
  return {PutCondition::Kind::kIfMatch, *etag};
}

bool SomebodyWasFaster(ErrorCode code) {
  return code == ErrorCode::kAlreadyExists || code == ErrorCode::kFailedPrecondition;
}

}  // namespace

Result<std::optional<Lease::Held>> Lease::Read(const Terms& terms, std::stop_token stop) {
  std::string text;
  auto info = terms.store.Get(
      kLeaseKey, std::nullopt,
      [&](std::string_view bytes) -> Result<> {
        if (text.size() + bytes.size() > kRecordBytesMax) {
          return Error{ErrorCode::kCorruption, "lease record: too long"};
        }
        text += bytes;
        return Ok();
      },
      stop);
  if (!info) {
    if (info.error().code == ErrorCode::kNotFound) return std::optional<Held>();
    return std::move(info).error().With("read the lease");
  }
  const auto record = DecodeLease(text);
  if (record) return std::optional<Held>(Held{*record, info->etag});
  // Whoever wrote it gets its whole time. The number of seconds is above any count of owners.
  LogWarn("backup.lease_unreadable", "{}: {}", terms.store.url(), record.error().message);
  LeaseRecord unknown;
  unknown.run = "unknown";
  unknown.nonce = std::hash<std::string>()(info->etag);
  unknown.generation = static_cast<uint64_t>(terms.clock.Now() / kNanosPerSecond);
  unknown.expires_at = terms.clock.Now();
  return std::optional<Held>(Held{unknown, info->etag});
}

// The lease as it is now when the write was ours; none when somebody else was faster.
Result<std::optional<Lease::Held>> Lease::Write(const Terms& terms, LeaseRecord record,
                                                const std::optional<Held>& over,
                                                std::stop_token stop) {
  record.owner = terms.node_id;
  record.run = terms.run;
  record.nonce = terms.random.NextId();
  record.expires_at = terms.clock.Now() + kTtl;
  const std::string text = EncodeLease(record);
  auto put = terms.store.Put(kLeaseKey, TextSource(text),
                             ConditionOver(terms.store, over ? &over->etag : nullptr), stop);
  if (put && terms.store.abilities().conditional_put) {
    return std::optional<Held>(Held{record, put->etag});
  }
  // A refusal may be the answer to a repeated request whose first try was ours, and an error may
  // hide a success: only the object itself knows.
  ASSIGN_OR_RETURN(const std::optional<Held> present, Read(terms, stop));
  if (present && present->record.nonce == record.nonce) return present;
  const bool replaced = present && (!over || present->etag != over->etag);
  if (put || replaced || SomebodyWasFaster(put.error().code)) return std::optional<Held>();
  return std::move(put).error().With("write the lease");
}

namespace {

// What a waiting run has seen of the owner, and since when.
struct Sighting {
  uint64_t nonce = 0;
  int64_t since = 0;  // monotonic
};

bool IsFree(const LeaseRecord& record, const Lease::Terms& terms, Sighting& sighting) {
  if (record.released || record.run == terms.run) return true;
  if (terms.clock.Now() > record.expires_at + Lease::kSkewMax) return true;
  if (record.nonce != sighting.nonce) {
    sighting = {record.nonce, terms.clock.Monotonic()};
    return false;
  }
  return terms.clock.Monotonic() - sighting.since >= Lease::kTtl;
}

Error HeldBy(const std::string& url, const LeaseRecord& record) {
  return {ErrorCode::kAlreadyExists,
          fmt::format("{} is in use by run {} of node {}", url, record.run, Hex16(record.owner))};
}

}  // namespace

Result<std::unique_ptr<Lease>> Lease::TryAcquire(const Terms& terms, std::stop_token stop) {
  return Acquire(terms, 0, std::move(stop));
}

Result<std::unique_ptr<Lease>> Lease::Acquire(const Terms& terms, int64_t patience,
                                              std::stop_token stop) {
  const std::string& url = terms.store.url();
  if (!terms.store.abilities().conditional_put) {
    LogWarn("backup.single_writer",
            "{} cannot put on condition: two runs at a time are not kept apart there", url);
  }
  const int64_t began = terms.clock.Monotonic();
  Sighting sighting;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<Held> present, Read(terms, stop));
    std::optional<Error> why;
    if (!present || IsFree(present->record, terms, sighting)) {
      const int64_t asked_at = terms.clock.Monotonic();
      LeaseRecord record;
      record.generation = (present ? present->record.generation : 0) + 1;
      ASSIGN_OR_RETURN(std::optional<Held> held, Write(terms, record, present, stop));
      if (held) return std::unique_ptr<Lease>(new Lease(terms, std::move(*held), asked_at));
      why = Error{ErrorCode::kAlreadyExists, url + " is in use: another run was faster"};
    } else {
      why = HeldBy(url, present->record);
    }
    if (terms.clock.Monotonic() - began >= patience) return *std::move(why);
    if (!terms.pause(kPollEvery, stop)) {
      return Error{ErrorCode::kCancelled, "cancelled while waiting for the lease of " + url};
    }
  }
}

Lease::Lease(const Terms& terms, Held held, int64_t asked_at)
    : terms_(terms),
      generation_(held.record.generation),
      held_(std::move(held)),
      asked_at_(asked_at) {}

Lease::~Lease() { StopKeepingAlive(); }

bool Lease::IsDue(bool at_once) const {
  return at_once || terms_.clock.Monotonic() - asked_at_ >= kRenewAfter;
}

// What is found may be a write of ours whose answer never came; then it is the one to write over.
Result<std::optional<Lease::Held>> Lease::WriteOver(const Held& before, std::stop_token stop) {
  ASSIGN_OR_RETURN(std::optional<Held> written, Write(terms_, before.record, before, stop));
  if (written) return written;
  ASSIGN_OR_RETURN(const std::optional<Held> present, Read(terms_, stop));
  const bool ours = present && present->record.run == terms_.run &&
                    present->record.generation == generation_ && !present->record.released;
  if (!ours) return written;
  return Write(terms_, present->record, present, stop);
}

Result<> Lease::Renew(std::stop_token stop) {
  MutexLock lock(mutex_);
  while (renewing_ && !stop.stop_requested()) renewed_.WaitFor(lock, kWaitMax);
  if (renewing_) return Error{ErrorCode::kCancelled, "cancelled while the lease was renewed"};
  if (lost_) return Lost(terms_.store.url());
  renewing_ = true;
  const Held before = held_;
  lock.Unlock();

  const int64_t asked_at = terms_.clock.Monotonic();
  auto written = WriteOver(before, stop);

  lock.Lock();
  renewing_ = false;
  renewed_.NotifyAll();
  if (!written) return std::move(written).error();
  if (!*written) {
    lost_ = true;
    return Lost(terms_.store.url());
  }
  held_ = **written;
  asked_at_ = asked_at;
  return Ok();
}

Result<> Lease::Check(std::stop_token stop) {
  {
    MutexLock lock(mutex_);
    if (lost_) return Lost(terms_.store.url());
    if (!IsDue(false)) return Ok();
    const bool still_ours = terms_.clock.Monotonic() - asked_at_ < kTtl - kMargin;
    if (renewing_ && still_ours) return Ok();
  }
  auto renewed = Renew(stop);
  if (renewed) return Ok();
  MutexLock lock(mutex_);
  const bool still_ours = !lost_ && terms_.clock.Monotonic() - asked_at_ < kTtl - kMargin;
  if (still_ours && renewed.error().code != ErrorCode::kCancelled) return Ok();
  return renewed;
}

Result<> Lease::Confirm(std::stop_token stop) { return Renew(std::move(stop)); }

Result<> Lease::Release() {
  StopKeepingAlive();
  Held before;
  {
    MutexLock lock(mutex_);
    if (lost_) return Ok();
    lost_ = true;
    before = held_;
  }
  LeaseRecord record = before.record;
  record.released = true;
  const TimeLimit limit(kReleaseTime);
  ASSIGN_OR_RETURN(const std::optional<Held> written, Write(terms_, record, before, limit.token()));
  return Ok();
}

Result<> Lease::KeepAlive(std::function<void()> on_lost) {
  const auto keep = [this, lost = std::move(on_lost)](std::stop_token stop) {
    while (PauseFor(kPollEvery, stop)) {
      const auto checked = Check(stop);
      if (checked || checked.error().code == ErrorCode::kCancelled) continue;
      LogWarn("backup.lease_lost", "{}", checked.error().message);
      lost();
      return;
    }
  };
  ASSIGN_OR_RETURN(keeper_, StartThread("a lease's renewal", keep));
  return Ok();
}

void Lease::StopKeepingAlive() {
  if (!keeper_.joinable()) return;
  keeper_.request_stop();
  keeper_.join();
}

}  // namespace ficus
