#include "server/ctl/run_report.h"

#include <fmt/core.h>

#include "server/ctl/admin_client.h"
#include "server/ctl/message_text.h"
#include "server/ctl/quantity_text.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

std::string Files(uint64_t files, uint64_t bytes) {
  return fmt::format("{} {} ({})", CountText(files), files == 1 ? "file" : "files",
                     BytesText(bytes));
}

std::string Movements(const v1::RunCounts& counts, const char* sent, const char* copied,
                      const char* kept) {
  return fmt::format("  {}: {}\n  {}: {}\n  {}: {}\n", sent,
                     Files(counts.files_sent(), counts.bytes_sent()), copied,
                     Files(counts.files_copied(), counts.bytes_copied()), kept,
                     Files(counts.files_kept(), counts.bytes_kept()));
}

double SecondsOf(const v1::BackupRun& run) {
  return static_cast<double>(run.ended_at().seconds() - run.started_at().seconds()) +
         static_cast<double>(run.ended_at().nanos() - run.started_at().nanos()) / 1e9;
}

}  // namespace

ExitCode ExitCodeOf(const v1::BackupRun& run) {
  switch (run.phase()) {
    case v1::RUN_PHASE_DONE:
      if (run.damaged() > 0) return ExitCode::kDamage;
      return run.degraded() || !run.error().empty() ? ExitCode::kPartly : ExitCode::kDone;
    case v1::RUN_PHASE_FAILED:
      return ExitCodeOfWord(run.error_code());
    default:
      return ExitCode::kFailed;
  }
}

std::string RunName(const v1::BackupRun& run) {
  return run.job().empty() ? "run " + run.run() : run.job();
}

std::string RunReport(const v1::BackupRun& run) {
  const v1::RunCounts& planned = run.planned();
  if (run.phase() != v1::RUN_PHASE_DONE) {
    return fmt::format("{}: {}\n", RunName(run), EnumText(run.phase()));
  }
  const std::string id = run.remote() + "/" + run.timedir();
  if (run.dry_run()) {
    return fmt::format("{}: would commit {}: {}\n", RunName(run), id,
                       Files(planned.files_total(), planned.bytes_total())) +
           Movements(planned, "to send", "to copy inside the store", "there already");
  }
  std::string text =
      run.unchanged()
          ? fmt::format("{}: {} holds exactly this already\n", RunName(run), id)
          : fmt::format("{}: committed {}, generation {}: {} in {}\n", RunName(run), id,
                        run.generation(), Files(planned.files_total(), planned.bytes_total()),
                        DurationText(SecondsOf(run)));
  text += Movements(run.moved(), "sent", "copied inside the store", "there already");
  text += run.verified() ? "  verified: every object was read back\n" : "  not verified in full\n";
  if (run.pruned_backups() > 0) {
    text += fmt::format("  pruned: {} older backups\n", run.pruned_backups());
  }
  return text;
}

std::string RunProblem(const v1::BackupRun& run) {
  switch (run.phase()) {
    case v1::RUN_PHASE_DONE:
      if (run.damaged() > 0) {
        return fmt::format(
            "{}: the verification found {} damaged objects. Do not rely on this backup; see them "
            "with: ficusctl backup verify {}/{}",
            RunName(run), run.damaged(), run.remote(), run.timedir());
      }
      if (!run.error().empty()) {
        return fmt::format("{}: committed, but what follows the commit failed: {}{}", RunName(run),
                           run.error(), run.resumable() ? ". The next run goes on with it." : "");
      }
      if (run.degraded()) {
        return fmt::format(
            "{}: committed without {} files that could not be read; this backup is "
            "never called verified. See: ficusctl quarantine list",
            RunName(run), run.missing());
      }
      return "";
    case v1::RUN_PHASE_FAILED:
      if (run.resumable()) {
        return fmt::format(
            "{}: {}. It is not finished; earlier backups are as they were. The next run goes on "
            "with it.",
            RunName(run), run.error());
      }
      return fmt::format(
          "{}: {}. Nothing was committed; earlier backups are as they were. Then try: ficusctl "
          "remote test {}",
          RunName(run), run.error(), run.remote());
    case v1::RUN_PHASE_CANCELLED:
      return fmt::format("{}: was cancelled; nothing is left of it", RunName(run));
    case v1::RUN_PHASE_CLEANED:
      return fmt::format("{}: was interrupted by a restart and cleaned up", RunName(run));
    default:
      return fmt::format("{}: has not ended", RunName(run));
  }
}

}  // namespace ficus
