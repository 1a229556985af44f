// How far a run is, for people who wait.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "ficus/admin/v1/admin.pb.h"
#include "server/ctl/command.h"

namespace ficus {

// One line without a line end:
// "upload  45.3 %  1.2 GiB of 2.7 GiB  118.2 MiB/s  00:12 left".
std::string ProgressText(const admin::v1::BackupRun& run);

// "verify disk/2026-11-20  45.3 %  1.2 GiB of 2.7 GiB  118.2 MiB/s  00:12 left"
std::string ProgressText(const std::string& id, const admin::v1::VerifyProgress& progress);

// On a terminal one line that is drawn again and again; otherwise a line when the phase changes and
// at most every few seconds. One thread.
class Progress {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kLineInterval{5};

  // `console` outlives it.
  explicit Progress(const Console& console) : console_(console) {}
  // Leaves the terminal at the beginning of an empty line.
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `topic` is what the lines are about: a new one is shown at once.
  void Show(const std::string& topic, const std::string& line, Time now);
  // Takes the line away, so that something else can be printed.
  void Clear();

 private:
  const Console& console_;
  bool drawn_ = false;
  std::string topic_;
  Time shown_at_;
};

}  // namespace ficus
