// Who holds how much memory. Every large consumer reserves before it allocates and is refused when
// the node's limit, or its own, is reached: the kernel never has to choose a victim.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/result.h"

namespace ficus {

enum class MemoryConsumer : uint8_t {
  kRequests,    // decoded requests that wait for the log
  kReplies,     // of writes, that the client has not read yet
  kLog,         // batches on their way to the disk
  kMemParts,    // rows in memory, flushed ones included until no reader holds them
  kFlushMerge,  // buffers of flushes and merges
  kQueries,     // and their answers until the client has read them
  kCaches,
  kIndex,  // series known to the writers
};
inline constexpr size_t kMemoryConsumerCount = static_cast<size_t>(MemoryConsumer::kIndex) + 1;

std::string_view MemoryConsumerName(MemoryConsumer consumer);

class MemoryLedger;

// Bytes held; given back when it goes out of scope. Movable, may change hands between threads.
class MemoryReservation {
 public:
  MemoryReservation() = default;
  MemoryReservation(MemoryReservation&& other) noexcept;
  MemoryReservation& operator=(MemoryReservation&& other) noexcept;
  ~MemoryReservation() { Release(); }

  size_t bytes() const { return bytes_; }
  // Reserves or gives back the difference. On kResourceExhausted the reservation is as before.
  Result<> Resize(size_t bytes);
  // Takes over what `other` holds, of the same ledger and consumer.
  void Join(MemoryReservation other);
  void Release();

 private:
  friend class MemoryLedger;
  MemoryReservation(MemoryLedger* ledger, MemoryConsumer consumer, size_t bytes)
      : ledger_(ledger), consumer_(consumer), bytes_(bytes) {}

  MemoryLedger* ledger_ = nullptr;
  MemoryConsumer consumer_ = MemoryConsumer::kRequests;
  size_t bytes_ = 0;
};

// All members: any thread, no lock. Outlives its reservations.
class MemoryLedger {
 public:
  // `limit_bytes` bounds the sum of all consumers.
  explicit MemoryLedger(size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  ~MemoryLedger();
  MemoryLedger(const MemoryLedger&) = delete;
  MemoryLedger& operator=(const MemoryLedger&) = delete;

  // Bounds one consumer below the whole; before the ledger is shared. 0: bounded by the whole only.
  void SetShare(MemoryConsumer consumer, size_t bytes);

  // kResourceExhausted names the consumer and the bound that was reached; nothing was reserved.
  Result<MemoryReservation> Reserve(MemoryConsumer consumer, size_t bytes);

  // Whether Reserve() would be refused now; the next moment may differ.
  bool HasRoom(MemoryConsumer consumer, size_t bytes) const;

  // Never refused: for memory that exists already, such as rows replayed from the log. May exceed
  // the limit.
  MemoryReservation Account(MemoryConsumer consumer, size_t bytes);

  size_t limit_bytes() const { return limit_bytes_; }
  // What bounds one consumer: its share, else the whole.
  size_t share_bytes(MemoryConsumer consumer) const;
  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  size_t used_bytes(MemoryConsumer consumer) const;
  uint64_t refused(MemoryConsumer consumer) const;

 private:
  friend class MemoryReservation;
  struct ConsumerAccount {
    std::atomic<size_t> used_bytes{0};
    std::atomic<uint64_t> refused{0};
    size_t share_bytes = 0;
  };

  Result<> Take(MemoryConsumer consumer, size_t bytes);
  void TakeAlways(MemoryConsumer consumer, size_t bytes);
  void GiveBack(MemoryConsumer consumer, size_t bytes);
  ConsumerAccount& account(MemoryConsumer consumer) {
    return accounts_[static_cast<size_t>(consumer)];
  }
  const ConsumerAccount& account(MemoryConsumer consumer) const {
    return accounts_[static_cast<size_t>(consumer)];
  }

  const size_t limit_bytes_;
  std::atomic<size_t> used_bytes_{0};
  std::array<ConsumerAccount, kMemoryConsumerCount> accounts_;
};

}  // namespace ficus
