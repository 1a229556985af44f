#include "engine/index/series_set.h"

#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "engine/base/check.h"
#include "engine/base/id.h"

namespace ficus {
namespace {

// Series ids are hashes already, but those of one shard may agree in some bits.
struct SeriesHash {
  using is_avalanching = void;
  size_t operator()(uint64_t series) const noexcept {
    uint64_t hash = series;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
    return hash;
  }
};

// Sixteen bytes and one byte of metadata a slot.
using Checks = boost::unordered_flat_map<uint64_t, uint64_t, SeriesHash>;
constexpr size_t kSlotBytes = sizeof(Checks::value_type) + 1;
constexpr size_t kSubjectBytes = sizeof(Checks) + 64;

constexpr size_t kStripes = 8;

// By how many writers, with which entity.
struct ClaimedSeries {
  uint64_t check = 0;
  uint32_t claims = 0;
};
using Claimed = boost::unordered_flat_map<uint64_t, ClaimedSeries, SeriesHash>;

SeriesSet::Known KnownIn(const Checks& checks, SeriesId series, uint64_t check) {
  const auto found = checks.find(series.value());
  if (found == checks.end()) return SeriesSet::Known::kNo;
  return found->second == check ? SeriesSet::Known::kYes : SeriesSet::Known::kCollision;
}

}  // namespace

struct SeriesSet::Rep {
  struct Stripe {
    mutable Mutex mutex;
    std::unordered_map<SubjectId, Checks> subjects GUARDED_BY(mutex);
    size_t bytes GUARDED_BY(mutex) = 0;
    size_t series GUARDED_BY(mutex) = 0;
    // Few at a time: the new ones of the batches between the writers and the tables.
    std::unordered_map<SubjectId, Claimed> claimed GUARDED_BY(mutex);
    MemoryReservation memory GUARDED_BY(mutex);

    // Where the check of the series is; put there when there was none.
    uint64_t& CheckOf(SubjectId subject, SeriesId id, uint64_t check, MemoryLedger& charged)
        REQUIRES(mutex);
  };

  explicit Rep(MemoryLedger& memory_ledger) : ledger(memory_ledger) {}

  Stripe& StripeOf(SubjectId subject) { return stripes[SeriesHash()(subject.value()) % kStripes]; }

  MemoryLedger& ledger;
  std::array<Stripe, kStripes> stripes;
};

SeriesSet::SeriesSet(MemoryLedger& ledger) : rep_(new Rep(ledger)) {}
SeriesSet::~SeriesSet() { delete rep_; }

SeriesSet::Known SeriesSet::Find(SubjectId subject, SeriesId series, uint64_t check) const {
  Rep::Stripe& stripe = rep_->StripeOf(subject);
  MutexLock lock(stripe.mutex);
  const auto checks = stripe.subjects.find(subject);
  return checks == stripe.subjects.end() ? Known::kNo : KnownIn(checks->second, series, check);
}

void SeriesSet::Find(SubjectId subject, std::span<const SeriesId> series,
                     std::span<const uint64_t> checks, std::span<Known> known) const {
  CHECK(series.size() == checks.size() && series.size() == known.size());
  Rep::Stripe& stripe = rep_->StripeOf(subject);
  MutexLock lock(stripe.mutex);
  const auto there = stripe.subjects.find(subject);
  for (size_t i = 0; i < series.size(); ++i) {
    known[i] =
        there == stripe.subjects.end() ? Known::kNo : KnownIn(there->second, series[i], checks[i]);
  }
}

uint64_t& SeriesSet::Rep::Stripe::CheckOf(SubjectId subject, SeriesId id, uint64_t check,
                                          MemoryLedger& charged) {
  const auto [checks, is_new_subject] = subjects.try_emplace(subject);
  const size_t slots_before = checks->second.bucket_count();
  const auto [place, is_new] = checks->second.try_emplace(id.value(), check);
  series += is_new ? 1 : 0;
  const size_t slots = checks->second.bucket_count();
  if (is_new_subject || slots != slots_before) {
    bytes += (slots - slots_before) * kSlotBytes + (is_new_subject ? kSubjectBytes : 0);
    memory = charged.Account(MemoryConsumer::kIndex, bytes);
  }
  return place->second;
}

Result<> SeriesSet::Insert(SubjectId subject, SeriesId series, uint64_t check) {
  Rep::Stripe& stripe = rep_->StripeOf(subject);
  MutexLock lock(stripe.mutex);
  if (stripe.CheckOf(subject, series, check, rep_->ledger) == check) return Ok();
  return Error{ErrorCode::kCorruption,
               "series " + Hex16(series) + " of subject " + Hex16(subject) + " has two entities"};
}

void SeriesSet::Put(SubjectId subject, SeriesId series, uint64_t check) {
  Rep::Stripe& stripe = rep_->StripeOf(subject);
  MutexLock lock(stripe.mutex);
  stripe.CheckOf(subject, series, check, rep_->ledger) = check;
}

void SeriesSet::Claim(SubjectId subject, std::span<const SeriesId> series,
                      std::span<const uint64_t> checks, std::span<Known> known,
                      Claims& claims) const {
  CHECK(series.size() == checks.size() && series.size() == known.size());
  Rep::Stripe& stripe = rep_->StripeOf(subject);
  MutexLock lock(stripe.mutex);
  const auto there = stripe.subjects.find(subject);
  Claimed& claimed = stripe.claimed[subject];
  for (size_t i = 0; i < series.size(); ++i) {
    known[i] =
        there == stripe.subjects.end() ? Known::kNo : KnownIn(there->second, series[i], checks[i]);
    if (known[i] != Known::kNo) continue;
    ClaimedSeries& claim = claimed[series[i].value()];
    if (claim.claims > 0 && claim.check != checks[i]) {
      known[i] = Known::kCollision;
      continue;
    }
    claim.check = checks[i];
    ++claim.claims;
    claims.claims_.push_back({this, subject, series[i]});
  }
  if (claimed.empty()) stripe.claimed.erase(subject);
}

SeriesSet::Claims::~Claims() {
  for (const Claim& claim : claims_) {
    Rep::Stripe& stripe = claim.set->rep_->StripeOf(claim.subject);
    MutexLock lock(stripe.mutex);
    const auto claimed = stripe.claimed.find(claim.subject);
    const auto series = claimed->second.find(claim.series.value());
    if (--series->second.claims == 0) claimed->second.erase(series);
    if (claimed->second.empty()) stripe.claimed.erase(claimed);
  }
}

size_t SeriesSet::size() const {
  size_t series = 0;
  for (const Rep::Stripe& stripe : rep_->stripes) {
    MutexLock lock(stripe.mutex);
    series += stripe.series;
  }
  return series;
}

void SeriesSet::Clear() {
  for (Rep::Stripe& stripe : rep_->stripes) {
    MutexLock lock(stripe.mutex);
    stripe.subjects.clear();
    stripe.bytes = 0;
    stripe.series = 0;
    stripe.memory.Release();
  }
}

}  // namespace ficus
