#include "server/backup/run_progress.h"

#include <cmath>

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("a tenth of the way in, the remaining time is known to a fifth", "[backup][progress]") {
  ManualClock clock(0);
  RunProgress progress(clock, {});
  RunCounts planned;
  planned.files_total = 1000;
  planned.bytes_total = 1'000'000;
  RunCounts already;
  already.files_kept = 100;
  already.bytes_kept = 100'000;
  progress.StartTransfer(planned, already);
  REQUIRE(progress.Get().eta_seconds < 0);
  // 900 files of 1000 bytes, one in 10 ms: nine seconds in all.
  uint64_t last = 0;
  for (int i = 0; i < 900; ++i) {
    clock.Advance(10 * kNanosPerMilli);
    progress.AddBytes(ObjectRoute::kSent, 400);
    progress.AddFile(ObjectRoute::kSent, 600);
    const RunStatus status = progress.Get();
    const uint64_t now = status.moved.bytes_sent;
    REQUIRE(now > last);
    last = now;
    if (i < 90) continue;
    const double left = 9.0 - (i + 1) * 0.01;
    REQUIRE(std::abs(status.eta_seconds - left) <= 0.2 * left + 1e-6);
    REQUIRE(status.bytes_per_second == Approx(100'000));
  }
  const RunStatus end = progress.Get();
  REQUIRE(end.moved.files_sent == 900);
  REQUIRE(end.moved.bytes_sent + end.moved.bytes_kept == planned.bytes_total);
  REQUIRE(end.eta_seconds == Approx(0));
}

TEST_CASE("every phase has a name of its own", "[backup][progress]") {
  std::string all;
  for (int i = 0; i <= static_cast<int>(RunPhase::kCleaned); ++i) {
    const auto name = std::string(RunPhaseName(static_cast<RunPhase>(i)));
    REQUIRE(all.find("," + name + ",") == std::string::npos);
    all += "," + name + ",";
  }
  REQUIRE(all.find("unknown") == std::string::npos);
}

}  // namespace ficus
