// Any bytes as the state of the scheduler: decoding ends, and what it accepts is written and read
// back the same. The checksum is also made right, so that the records behind it are reached.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/checksum.h"
#include "server/scheduler/scheduler_state.h"

namespace {

void Decode(const std::string& bytes) {
  const auto jobs = ficus::DecodeSchedulerState(bytes);
  if (!jobs) return;
  const auto again = ficus::DecodeSchedulerState(ficus::EncodeSchedulerState(*jobs));
  CHECK(again.has_value());
  CHECK(*again == *jobs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Decode(bytes);
  if (size < 4) return 0;
  bytes.resize(size - 4);
  ficus::PutLittle(bytes, ficus::Crc32c(bytes));
  Decode(bytes);
  return 0;
}
