// Any bytes as a schedule: parsing ends, names a column when it refuses, and what it accepts has
// slots that rise and are found from both sides.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "server/scheduler/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ficus;
  static const TimeZone zone = *TimeZone::Load("Australia/Lord_Howe");
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Result<Schedule> schedule = Schedule::Parse(text);
  if (!schedule) {
    CHECK(schedule.error().message.rfind("column ", 0) == 0) << schedule.error().message;
    for (const char c : schedule.error().message) CHECK(c >= 0x20 && c < 0x7f);
    return 0;
  }
  CHECK(schedule->text() == text);
  if (schedule->interval_nanos() != 0) {
    CHECK(schedule->interval_nanos() >= kIntervalNanosMin);
    CHECK(schedule->interval_nanos() <= kIntervalNanosMax);
    return 0;
  }
  UnixNanos slot = 1'774'000'000 * kNanosPerSecond;  // a week before the clocks change
  for (int i = 0; i < 8; ++i) {
    const UnixNanos next = schedule->NextSlot(slot, zone);
    CHECK(next > slot);
    if (next == kNoSlot) break;
    CHECK(schedule->LatestSlot(next, zone) == next);
    slot = next;
  }
  return 0;
}
