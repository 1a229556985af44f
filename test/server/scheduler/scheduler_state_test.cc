#include "server/scheduler/scheduler_state.h"

#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "test/support/golden.h"

namespace ficus {
namespace {

std::vector<JobRecord> Records() {
  JobRecord nightly;
  nightly.name = "nightly";
  nightly.schedule = "30 1 * * *";
  nightly.zone = "Europe/Berlin";
  nightly.marks = {1'000, {{10, 20}, {30, 30}}};
  nightly.paused = true;
  nightly.running = true;
  nightly.queued_slot = 40;
  nightly.last_slot = 30;
  nightly.last_start = 31;
  nightly.last_end = 32;
  nightly.last_success_end = 22;
  nightly.last_error = Error{ErrorCode::kIo, "no such disk"};
  nightly.runs = 5;
  nightly.failures = 4;
  nightly.missed = 3;
  nightly.skipped = 2;
  JobRecord fresh;
  fresh.name = "hourly";
  fresh.schedule = "@hourly";
  fresh.zone = "UTC";
  return {nightly, fresh};
}

std::string Sealed(std::string bytes) {
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

std::string Unsealed(const std::vector<JobRecord>& jobs) {
  const std::string bytes = EncodeSchedulerState(jobs);
  return bytes.substr(0, bytes.size() - 4);
}

TEST_CASE("the state of the scheduler is read as it was written", "[scheduler][format]") {
  REQUIRE(*DecodeSchedulerState(EncodeSchedulerState(Records())) == Records());
  REQUIRE(DecodeSchedulerState(EncodeSchedulerState({}))->empty());
}

TEST_CASE("the bytes of the scheduler state stay the same", "[scheduler][format]") {
  const std::string bytes = EncodeSchedulerState(Records());
  CheckGolden("scheduler/state.hex", HexDump(std::as_bytes(std::span(bytes))));
}

TEST_CASE("any changed byte of the scheduler state is noticed", "[scheduler][format]") {
  const std::string bytes = EncodeSchedulerState(Records());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const auto decoded = DecodeSchedulerState(damaged);
    CAPTURE(i);
    REQUIRE_FALSE(decoded);
    REQUIRE(decoded.error().code == ErrorCode::kCorruption);
    REQUIRE_FALSE(DecodeSchedulerState(bytes.substr(0, i)));
  }
}

TEST_CASE("a later version of the scheduler state is told apart from damage",
          "[scheduler][format]") {
  std::string bytes = Unsealed(Records());
  bytes[8] = 2;
  REQUIRE(DecodeSchedulerState(Sealed(bytes)).error().code == ErrorCode::kUnsupportedVersion);
}

TEST_CASE("a scheduler state with a good checksum may still break the format",
          "[scheduler][format]") {
  REQUIRE_FALSE(DecodeSchedulerState(Sealed(Unsealed(Records()) + "x")));
  std::vector<JobRecord> twice = Records();
  twice[1].name = "nightly";
  REQUIRE_FALSE(DecodeSchedulerState(EncodeSchedulerState(twice)));
  std::vector<JobRecord> nameless = Records();
  nameless[0].name.clear();
  REQUIRE_FALSE(DecodeSchedulerState(EncodeSchedulerState(nameless)));
  std::vector<JobRecord> disordered = Records();
  disordered[0].marks.given_out = {{30, 30}, {10, 20}};
  REQUIRE_FALSE(DecodeSchedulerState(EncodeSchedulerState(disordered)));
  std::vector<JobRecord> crowded = Records();
  crowded[0].marks.given_out.clear();
  for (int i = 0; i <= 16; ++i) crowded[0].marks.given_out.push_back({i, i});
  REQUIRE_FALSE(DecodeSchedulerState(EncodeSchedulerState(crowded)));
  std::string counted = Unsealed(Records());
  counted[12] = 3;
  REQUIRE_FALSE(DecodeSchedulerState(Sealed(counted)));
}

TEST_CASE("a long text of an error is cut in the scheduler state", "[scheduler][format]") {
  std::vector<JobRecord> jobs = Records();
  jobs[0].last_error->message = std::string(5'000, 'x');
  REQUIRE((*DecodeSchedulerState(EncodeSchedulerState(jobs)))[0].last_error->message.size() ==
          kResultTextBytesMax);
}

}  // namespace
}  // namespace ficus
