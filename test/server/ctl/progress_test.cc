#include "server/ctl/progress.h"

#include "test/server/ctl/ctl_harness.h"

namespace ficus {
namespace {

TEST_CASE("an upload shows share, rate and time left", "[ctl]") {
  admin::v1::BackupRun run;
  run.set_remote("main");
  run.set_phase(admin::v1::RUN_PHASE_WAITING);
  REQUIRE(ProgressText(run) == "waiting for another run on main");
  run.set_phase(admin::v1::RUN_PHASE_UPLOAD);
  REQUIRE(ProgressText(run) == "upload  100.0 %  0 B of 0 B");
  run.mutable_planned()->set_bytes_total(4096);
  run.mutable_moved()->set_bytes_sent(512);
  run.mutable_moved()->set_bytes_kept(512);
  run.set_bytes_per_second(256);
  run.set_eta_seconds(12);
  REQUIRE(ProgressText(run) == "upload  25.0 %  1.0 KiB of 4.0 KiB  256 B/s  00:12 left");
  run.set_phase(admin::v1::RUN_PHASE_VERIFY);
  run.set_timedir("2025-11-20");
  REQUIRE(ProgressText(run) == "verify  2025-11-20");
}

TEST_CASE("a verification shows its own rate and time left", "[ctl]") {
  admin::v1::VerifyProgress progress;
  progress.set_elapsed_seconds(2);
  REQUIRE(ProgressText("disk/a", progress) == "verify disk/a  00:02");
  progress.set_bytes_total(4096);
  progress.set_bytes_done(1024);
  REQUIRE(ProgressText("disk/a", progress) ==
          "verify disk/a  25.0 %  1.0 KiB of 4.0 KiB  512 B/s  00:06 left");
}

TEST_CASE("without a terminal a line comes every few seconds and with each topic", "[ctl]") {
  TextFile err;
  Console console;
  console.err = err.file();
  const Progress::Time start{};
  {
    Progress progress(console);
    progress.Show("upload", "a", start + std::chrono::hours(1));
    progress.Show("upload", "b", start + std::chrono::hours(1) + std::chrono::seconds(4));
    progress.Show("upload", "c", start + std::chrono::hours(1) + std::chrono::seconds(5));
    progress.Show("commit", "d", start + std::chrono::hours(1) + std::chrono::seconds(6));
  }
  REQUIRE(err.text() == "a\nc\nd\n");
}

TEST_CASE("on a terminal one line is drawn again and taken away at the end", "[ctl]") {
  TextFile err;
  Console console;
  console.err = err.file();
  console.err_is_terminal = true;
  {
    Progress progress(console);
    progress.Show("upload", "a", {});
    progress.Show("upload", "b", {});
  }
  REQUIRE(err.text() == "\r\x1b[Ka\r\x1b[Kb\r\x1b[K");
}

}  // namespace
}  // namespace ficus
