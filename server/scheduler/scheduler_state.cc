#include "server/scheduler/scheduler_state.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

constexpr std::string_view kMagic = "FICSSCH1";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeadBytes = 8 + 4 + 4 + 4;

// Bits of the flags of a record.
constexpr uint32_t kPaused = 1u << 0;
constexpr uint32_t kRunning = 1u << 1;
constexpr uint32_t kHasQueuedSlot = 1u << 2;
constexpr uint32_t kHasLastSlot = 1u << 3;
constexpr uint32_t kHasLastStart = 1u << 4;
constexpr uint32_t kHasLastEnd = 1u << 5;
constexpr uint32_t kHasLastSuccess = 1u << 6;
constexpr uint32_t kHasError = 1u << 7;
constexpr uint32_t kKnownFlags = (1u << 8) - 1;

Error Corrupt(std::string_view what) {
  return {ErrorCode::kCorruption, fmt::format("scheduler state: {}", what)};
}

uint32_t FlagsOf(const JobRecord& job) {
  return (job.paused ? kPaused : 0) | (job.running ? kRunning : 0) |
         (job.queued_slot ? kHasQueuedSlot : 0) | (job.last_slot ? kHasLastSlot : 0) |
         (job.last_start ? kHasLastStart : 0) | (job.last_end ? kHasLastEnd : 0) |
         (job.last_success_end ? kHasLastSuccess : 0) | (job.last_error ? kHasError : 0);
}

void PutTime(std::string& out, const std::optional<UnixNanos>& time) {
  PutLittle(out, time.value_or(0));
}

void PutRecord(std::string& out, const JobRecord& job) {
  PutLengthPrefixed(out, job.name);
  PutLengthPrefixed(out, job.schedule);
  PutLengthPrefixed(out, job.zone);
  PutLittle(out, FlagsOf(job));
  PutTime(out, job.queued_slot);
  PutTime(out, job.last_slot);
  PutTime(out, job.last_start);
  PutTime(out, job.last_end);
  PutTime(out, job.last_success_end);
  for (const uint64_t count : {job.runs, job.failures, job.missed, job.skipped}) {
    PutLittle(out, count);
  }
  if (job.last_error) {
    PutLittle(out, static_cast<uint8_t>(job.last_error->code));
    PutLengthPrefixed(out,
                      std::string_view(job.last_error->message).substr(0, kResultTextBytesMax));
  }
  PutLittle(out, job.marks.anchor);
  PutLittle(out, static_cast<uint8_t>(job.marks.given_out.size()));
  for (const SlotRange& range : job.marks.given_out) {
    PutLittle(out, range.first);
    PutLittle(out, range.last);
  }
}

bool ReadText(ByteReader& reader, size_t max, std::string& text) {
  std::string_view bytes;
  if (!reader.ReadLengthPrefixed(bytes) || bytes.size() > max) return false;
  text = std::string(bytes);
  return true;
}

bool ReadTime(ByteReader& reader, bool present, std::optional<UnixNanos>& time) {
  UnixNanos value = 0;
  if (!reader.ReadLittle(value)) return false;
  if (present) time = value;
  return present || value == 0;
}

bool ReadError(ByteReader& reader, std::optional<Error>& error) {
  uint8_t code = 0;
  Error read{ErrorCode::kUnknown, ""};
  if (!reader.ReadLittle(code) || code >= kErrorCodeCount) return false;
  read.code = static_cast<ErrorCode>(code);
  if (!ReadText(reader, kResultTextBytesMax, read.message)) return false;
  error = std::move(read);
  return true;
}

bool ReadMarks(ByteReader& reader, SlotMarks& marks) {
  uint8_t count = 0;
  if (!reader.ReadLittle(marks.anchor) || !reader.ReadLittle(count) || count > kSlotRangesMax) {
    return false;
  }
  for (uint8_t i = 0; i < count; ++i) {
    SlotRange range;
    if (!reader.ReadLittle(range.first) || !reader.ReadLittle(range.last)) return false;
    const bool ascends = marks.given_out.empty() || marks.given_out.back().last < range.first;
    if (range.first > range.last || !ascends) return false;
    marks.given_out.push_back(range);
  }
  return true;
}

bool ReadRecord(ByteReader& reader, JobRecord& job) {
  uint32_t flags = 0;
  if (!ReadText(reader, kJobNameBytesMax, job.name) || job.name.empty() ||
      !ReadText(reader, kScheduleBytesMax, job.schedule) ||
      !ReadText(reader, kJobNameBytesMax, job.zone) || !reader.ReadLittle(flags) ||
      (flags & ~kKnownFlags) != 0) {
    return false;
  }
  job.paused = (flags & kPaused) != 0;
  job.running = (flags & kRunning) != 0;
  if (!ReadTime(reader, (flags & kHasQueuedSlot) != 0, job.queued_slot) ||
      !ReadTime(reader, (flags & kHasLastSlot) != 0, job.last_slot) ||
      !ReadTime(reader, (flags & kHasLastStart) != 0, job.last_start) ||
      !ReadTime(reader, (flags & kHasLastEnd) != 0, job.last_end) ||
      !ReadTime(reader, (flags & kHasLastSuccess) != 0, job.last_success_end)) {
    return false;
  }
  for (uint64_t* const count : {&job.runs, &job.failures, &job.missed, &job.skipped}) {
    if (!reader.ReadLittle(*count)) return false;
  }
  if ((flags & kHasError) != 0 && !ReadError(reader, job.last_error)) return false;
  return ReadMarks(reader, job.marks);
}

}  // namespace

std::string EncodeSchedulerState(const std::vector<JobRecord>& jobs) {
  CHECK(jobs.size() <= kJobsMax);
  std::string bytes(kMagic);
  PutLittle(bytes, kVersion);
  PutLittle(bytes, static_cast<uint32_t>(jobs.size()));
  for (const JobRecord& job : jobs) PutRecord(bytes, job);
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

Result<std::vector<JobRecord>> DecodeSchedulerState(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes.size() > kSchedulerStateBytesMax) {
    return Corrupt("of an impossible size");
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) return Corrupt("of another kind");
  const std::string_view checked = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("checksum mismatch");
  }
  ByteReader reader(checked.substr(kMagic.size()));
  uint32_t version = 0;
  uint32_t count = 0;
  reader.ReadLittle(version);
  reader.ReadLittle(count);
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion,
                 fmt::format("scheduler state: version {}", version)};
  }
  if (count > kJobsMax) return Corrupt(fmt::format("{} jobs", count));
  std::vector<JobRecord> jobs;
  std::set<std::string> names;
  for (uint32_t i = 0; i < count; ++i) {
    JobRecord job;
    if (!ReadRecord(reader, job) || !names.insert(job.name).second) {
      return Corrupt(fmt::format("job {} of {} breaks the format", i, count));
    }
    jobs.push_back(std::move(job));
  }
  if (!reader.AtEnd()) return Corrupt("bytes behind the last job");
  return jobs;
}

}  // namespace ficus
