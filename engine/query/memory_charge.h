// A reservation that grows with what it covers.
#pragma once

#include <algorithm>
#include <cstddef>

#include "engine/base/check.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"

namespace ficus {

// Charged to MemoryConsumer::kQueries. Asks the ledger in steps, so that a row costs no atomic
// operation. One thread.
class MemoryCharge {
 public:
  explicit MemoryCharge(MemoryLedger& ledger) : ledger_(&ledger) {}

  // Before `bytes` more are allocated. kResourceExhausted: nothing changed.
  Result<> Grow(size_t bytes) {
    if (used_ + bytes <= reservation_.bytes()) {
      used_ += bytes;
      return Ok();
    }
    const size_t step = std::clamp(used_ / 2, kStepMin, kStepMax);
    if (Reserve(used_ + bytes + step).has_value()) {
      used_ += bytes;
      return Ok();
    }
    // Near the limit only what is needed.
    RETURN_IF_ERROR(Reserve(used_ + bytes));
    used_ += bytes;
    return Ok();
  }

  // After everything but `bytes` was freed.
  void ShrinkTo(size_t bytes) {
    used_ = std::min(used_, bytes);
    if (used_ == 0) {
      reservation_.Release();
    } else {
      CHECK(reservation_.Resize(used_).has_value());  // giving back is never refused
    }
  }

  size_t used() const { return used_; }
  // What is covered changes hands together with its reservation.
  MemoryReservation Take() {
    used_ = 0;
    return std::move(reservation_);
  }

 private:
  static constexpr size_t kStepMin = size_t{16} << 10;
  static constexpr size_t kStepMax = size_t{1} << 20;

  Result<> Reserve(size_t bytes) {
    if (reservation_.bytes() == 0) {
      ASSIGN_OR_RETURN(reservation_, ledger_->Reserve(MemoryConsumer::kQueries, bytes));
      return Ok();
    }
    return reservation_.Resize(bytes);
  }

  MemoryLedger* ledger_;
  MemoryReservation reservation_;
  size_t used_ = 0;
};

}  // namespace ficus
