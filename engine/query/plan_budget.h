// What planning a query may take: memory for the literals of its criteria, and time.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/query/memory_charge.h"

namespace ficus {

struct PlanLimits {
  // Charged as MemoryConsumer::kQueries for as long as the plan lives, which it outlives. Null:
  // nothing is charged.
  MemoryLedger* ledger = nullptr;
  // kCancelled, kDeadlineExceeded. Asked once per condition and per kTermsPerCheck of its terms.
  std::function<Result<>()> check_goes_on = [] { return Ok(); };
};

inline constexpr size_t kTermsPerCheck = 1 << 16;

// Of one plan. One thread.
class PlanBudget {
 public:
  explicit PlanBudget(const PlanLimits& limits) : limits_(limits) {
    if (limits.ledger != nullptr) charge_.emplace(*limits.ledger);
  }

  // Before `bytes` are allocated. kResourceExhausted: nothing changed.
  Result<> Take(size_t bytes) { return charge_.has_value() ? charge_->Grow(bytes) : Ok(); }
  // After they were freed.
  void GiveBack(size_t bytes) {
    if (charge_.has_value()) charge_->ShrinkTo(charge_->used() - bytes);
  }
  Result<> CheckGoesOn() const { return limits_.check_goes_on(); }
  // What was taken and not given back, for the plan to hold.
  MemoryReservation Keep() { return charge_.has_value() ? charge_->Take() : MemoryReservation(); }

 private:
  const PlanLimits& limits_;
  std::optional<MemoryCharge> charge_;
};

}  // namespace ficus
