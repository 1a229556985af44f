#include "test/torture/ordeal.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include <signal.h>

#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr char kJob[] = "often";

// Flushes, merges and cuts its log all the time, so that a fall hits all of it.
std::vector<std::string> Restless(const OrdealOptions& options) {
  return {"storage: {path: \"" + options.data +
              "\", flush: {interval: 100ms, bytes: 1MiB}, wal: {file_bytes: 1MiB, max_bytes: "
              "4MiB}, snapshots: {keep: 2, min_age: 1ms}, merge: {threads: 1}}",
          "io: {engine: " + options.engine + "}",
          "remotes: {disk: {url: \"file://" + options.folder + "/backups\"}}",
          "backups: {" + std::string(kJob) +
              ": {remote: disk, schedule: \"@yearly\", time_style: hourly, verify: full, "
              "missed: ignore, keep: {min: 1}}}"};
}

}  // namespace

int Rounds(int ordinary, int longer) {
  return TestRounds(std::getenv("FICUS_CRASH_LONG") == nullptr ? ordinary : longer);
}

Ordeal::Ordeal(const OrdealOptions& options)
    : folder_(options.folder),
      journal_(folder_ + "/journal"),
      random_(options.seed),
      faults_(folder_ + "/faults"),
      node_(folder_, Restless(options)),
      tail_(journal_),
      upheaval_(random_.Next(), kJob) {}

std::string Ordeal::StartAndVerify() {
  if (!node_.Start()) return "the node did not start:\n" + node_.log();
  if (tail_.Runs() == 0) return "";
  const std::string groups = upheaval_.Check(node_.address());
  if (!groups.empty()) return groups;
  return Ask("verify",
             {FICUS_LOAD_PATH, "verify", "--address", node_.address(), "--journal", journal_});
}

void Ordeal::BeginLoad() {
  runs_before_ = tail_.Runs();
  log_before_ = node_.log().size();
  load_ = StartLoadClient({"run", "--address", node_.address(), "--journal", journal_, "--series",
                           "60", "--rate", "10000", "--window", "500", "--report", "0"},
                          folder_ + "/load.out");
  upheaval_.Begin(node_.address());
}

bool Ordeal::WaitForPoints(uint64_t points_max) {
  const uint64_t wanted = tail_.Acknowledged() + 1 + random_.Below(points_max);
  WaitUntil([&] {
    return tail_.Acknowledged() >= wanted || !load_->Running() || !node_.process().Running();
  });
  return node_.process().Running() && tail_.Acknowledged() >= wanted;
}

bool Ordeal::WaitForEnd() {
  return WaitUntil([&] { return !node_.process().Running(); }, std::chrono::seconds(300));
}

bool Ordeal::WaitForEndOrStandstill() {
  return WaitUntil(
      [&] {
        return !node_.process().Running() ||
               node_.log().find("wal.no_file", log_before_) != std::string::npos;
      },
      std::chrono::seconds(300));
}

void Ordeal::Fall() {
  node_.Kill();
  if (load_ == nullptr) return;
  // A client that has not begun to write waits for a node; one that has ends with it.
  if (tail_.Runs() == runs_before_) load_->Signal(SIGKILL);
  load_->Wait(std::chrono::seconds(300));
  load_.reset();
  upheaval_.End();
}

std::string Ordeal::VerifyBackup() {
  return Ask("backup", {FICUSCTL_PATH, "--addr", node_.address(), "backup", "run", kJob});
}

std::string Ordeal::Ask(const std::string& what, std::vector<std::string> command) {
  const std::string output = folder_ + "/" + what + ".out";
  std::filesystem::remove(output);
  if (ChildProcess(command, output).Wait(std::chrono::seconds(300)) == 0) return "";
  return what + ": " + ReadFile(output);
}

}  // namespace ficus
