#include "engine/base/memory_ledger.h"

#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"

namespace ficus {
namespace {

// Adds `bytes` unless the sum would exceed `limit`.
bool AddAtMost(std::atomic<size_t>& sum, size_t bytes, size_t limit) {
  size_t current = sum.load(std::memory_order_relaxed);
  do {
    if (bytes > limit || current > limit - bytes) return false;
  } while (!sum.compare_exchange_weak(current, current + bytes, std::memory_order_relaxed));
  return true;
}

}  // namespace

std::string_view MemoryConsumerName(MemoryConsumer consumer) {
  switch (consumer) {
    case MemoryConsumer::kRequests:
      return "requests";
    case MemoryConsumer::kReplies:
      return "replies";
    case MemoryConsumer::kLog:
      return "log";
    case MemoryConsumer::kMemParts:
      return "mem_parts";
    case MemoryConsumer::kFlushMerge:
      return "flush_merge";
    case MemoryConsumer::kQueries:
      return "queries";
    case MemoryConsumer::kCaches:
      return "caches";
    case MemoryConsumer::kIndex:
      return "index";
  }
  CHECK(false);
  return {};
}

MemoryReservation::MemoryReservation(MemoryReservation&& other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)),
      consumer_(other.consumer_),
      bytes_(std::exchange(other.bytes_, 0)) {}

MemoryReservation& MemoryReservation::operator=(MemoryReservation&& other) noexcept {
  if (this != &other) {
    Release();
    ledger_ = std::exchange(other.ledger_, nullptr);
    consumer_ = other.consumer_;
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void MemoryReservation::Join(MemoryReservation other) {
  if (ledger_ == nullptr) {
    *this = std::move(other);
  } else if (other.ledger_ != nullptr) {
    CHECK(ledger_ == other.ledger_ && consumer_ == other.consumer_);
    bytes_ += std::exchange(other.bytes_, 0);
  }
}

Result<> MemoryReservation::Resize(size_t bytes) {
  CHECK(ledger_ != nullptr) << "resize of an empty reservation";
  if (bytes > bytes_) {
    RETURN_IF_ERROR(ledger_->Take(consumer_, bytes - bytes_));
  } else {
    ledger_->GiveBack(consumer_, bytes_ - bytes);
  }
  bytes_ = bytes;
  return Ok();
}

void MemoryReservation::Release() {
  if (ledger_ == nullptr) return;
  ledger_->GiveBack(consumer_, bytes_);
  ledger_ = nullptr;
  bytes_ = 0;
}

MemoryLedger::~MemoryLedger() {
  CHECK(used_bytes() == 0) << used_bytes() << " bytes still reserved";
}

void MemoryLedger::SetShare(MemoryConsumer consumer, size_t bytes) {
  account(consumer).share_bytes = bytes;
}

Result<MemoryReservation> MemoryLedger::Reserve(MemoryConsumer consumer, size_t bytes) {
  RETURN_IF_ERROR(Take(consumer, bytes));
  return MemoryReservation(this, consumer, bytes);
}

bool MemoryLedger::HasRoom(MemoryConsumer consumer, size_t bytes) const {
  const auto fits = [bytes](size_t used, size_t limit) {
    return used <= limit && bytes <= limit - used;
  };
  return fits(used_bytes(consumer), share_bytes(consumer)) && fits(used_bytes(), limit_bytes_);
}

MemoryReservation MemoryLedger::Account(MemoryConsumer consumer, size_t bytes) {
  TakeAlways(consumer, bytes);
  return MemoryReservation(this, consumer, bytes);
}

size_t MemoryLedger::share_bytes(MemoryConsumer consumer) const {
  const size_t share = account(consumer).share_bytes;
  return share == 0 ? limit_bytes_ : share;
}

size_t MemoryLedger::used_bytes(MemoryConsumer consumer) const {
  return account(consumer).used_bytes.load(std::memory_order_relaxed);
}

uint64_t MemoryLedger::refused(MemoryConsumer consumer) const {
  return account(consumer).refused.load(std::memory_order_relaxed);
}

Result<> MemoryLedger::Take(MemoryConsumer consumer, size_t bytes) {
  ConsumerAccount& own = account(consumer);
  const size_t share = share_bytes(consumer);
  if (!AddAtMost(own.used_bytes, bytes, share)) {
    own.refused.fetch_add(1, std::memory_order_relaxed);
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("memory: {} bytes for {} would exceed its share of {} ({} in use)",
                             bytes, MemoryConsumerName(consumer), share, own.used_bytes.load())};
  }
  if (!AddAtMost(used_bytes_, bytes, limit_bytes_)) {
    own.used_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    own.refused.fetch_add(1, std::memory_order_relaxed);
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("memory: {} bytes for {} would exceed the limit of {} ({} in use)",
                             bytes, MemoryConsumerName(consumer), limit_bytes_, used_bytes())};
  }
  return Ok();
}

void MemoryLedger::TakeAlways(MemoryConsumer consumer, size_t bytes) {
  account(consumer).used_bytes.fetch_add(bytes, std::memory_order_relaxed);
  used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void MemoryLedger::GiveBack(MemoryConsumer consumer, size_t bytes) {
  const size_t before = account(consumer).used_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  CHECK(before >= bytes) << MemoryConsumerName(consumer) << " gives back more than it holds";
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace ficus
