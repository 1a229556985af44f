#include "server/ctl/progress.h"

#include <algorithm>

#include <fmt/core.h>

#include "server/ctl/message_text.h"
#include "server/ctl/quantity_text.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

struct Amount {
  uint64_t done = 0;
  uint64_t total = 0;
  double bytes_per_second = 0;
  double seconds_left = -1;  // negative: not known
};

std::string AmountText(const Amount& amount) {
  const uint64_t done = std::min(amount.total, amount.done);
  const double percent =
      amount.total == 0 ? 100 : static_cast<double>(done) / static_cast<double>(amount.total) * 100;
  std::string text =
      fmt::format("  {:.1f} %  {} of {}", percent, BytesText(done), BytesText(amount.total));
  if (amount.bytes_per_second >= 1) {
    text += fmt::format("  {}/s", BytesText(static_cast<uint64_t>(amount.bytes_per_second)));
  }
  if (amount.seconds_left >= 0) text += fmt::format("  {} left", DurationText(amount.seconds_left));
  return text;
}

std::string UploadText(const v1::BackupRun& run) {
  const v1::RunCounts& moved = run.moved();
  return AmountText({moved.bytes_sent() + moved.bytes_copied() + moved.bytes_kept(),
                     run.planned().bytes_total(), run.bytes_per_second(),
                     run.has_eta_seconds() ? run.eta_seconds() : -1});
}

}  // namespace

std::string ProgressText(const v1::BackupRun& run) {
  const std::string phase = EnumText(run.phase());
  if (run.phase() == v1::RUN_PHASE_WAITING) {
    return fmt::format("{} for another run on {}", phase, run.remote());
  }
  if (run.phase() == v1::RUN_PHASE_UPLOAD) return phase + UploadText(run);
  return run.timedir().empty() ? phase : fmt::format("{}  {}", phase, run.timedir());
}

std::string ProgressText(const std::string& id, const v1::VerifyProgress& progress) {
  const std::string what = "verify " + id;
  if (progress.bytes_total() == 0) {
    return fmt::format("{}  {}", what, DurationText(progress.elapsed_seconds()));
  }
  const auto done = static_cast<double>(progress.bytes_done());
  const double rate = progress.elapsed_seconds() > 0 ? done / progress.elapsed_seconds() : 0;
  const auto left = static_cast<double>(progress.bytes_total() - progress.bytes_done());
  return what + AmountText({progress.bytes_done(), progress.bytes_total(), rate,
                            rate >= 1 ? left / rate : -1});
}

void Progress::Show(const std::string& topic, const std::string& line, Time now) {
  if (console_.err_is_terminal) {
    fmt::print(console_.err, "\r\x1b[K{}", line);
    drawn_ = true;
  } else {
    if (topic == topic_ && now - shown_at_ < kLineInterval) return;
    fmt::print(console_.err, "{}\n", line);
  }
  std::fflush(console_.err);
  topic_ = topic;
  shown_at_ = now;
}

void Progress::Clear() {
  if (!drawn_) return;
  fmt::print(console_.err, "\r\x1b[K");
  std::fflush(console_.err);
  drawn_ = false;
}

}  // namespace ficus
