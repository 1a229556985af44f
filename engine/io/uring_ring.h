// One io_uring and the loop that drives transfers through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <liburing.h>

#include "engine/base/result.h"
#include "engine/io/registered_chunks.h"
#include "engine/io/transfer.h"

namespace ficus {

// Used by one thread at a time. Run() returns only when the kernel holds nothing of the batch any
// more, so the memory of a transfer may go as soon as it has returned.
//
// A write with one sync behind it goes as a linked pair. A short write, and a failed one, cut the
// link: the kernel cancels the sync, and it is handed over again once the rest is written. A good
// answer of a sync counts only when all of its writes had ended, whole, before the kernel started
// it; a bad one always does.
class UringRing {
 public:
  enum class Use {
    kOneThread,  // only the creating thread submits: the kernel then spares some locking
    kShared,
  };

  // kUnavailable with the cause.
  static Result<std::unique_ptr<UringRing>> Create(uint32_t entries, Use use);
  ~UringRing();
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;

  // Finishes every transfer. Writes from `chunks` use registered memory where the kernel allows it.
  void Run(std::span<Transfer> transfers, const TransferHook& hook, const RegisteredChunks& chunks);

  // The kernel refused entries for good; the ring must not be used again.
  bool broken() const { return broken_; }
  // Whether chunks are registered with this ring.
  bool registered() const { return registration_ == Registration::kDone; }

 private:
  enum class Registration : uint8_t { kNotTried, kDone, kRefused };
  class Batch;

  UringRing() = default;

  void RegisterIfUsed(std::span<const Transfer> transfers, const RegisteredChunks& chunks);

  io_uring ring_{};
  bool open_ = false;
  bool broken_ = false;
  Registration registration_ = Registration::kNotTried;
};

}  // namespace ficus
