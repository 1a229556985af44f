// `ficusctl backup run`: starts a run in the node and follows it.
#pragma once

#include <string>
#include <vector>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// As the command line has them; empty means not given.
struct BackupRunOptions {
  std::string job;
  std::string remote;
  std::string dest;      // the URL of a configured remote
  std::string schedule;  // BanyanDB's: a job of the remote must have it
  std::string time_style;
  std::string form;
  std::vector<std::string> groups;
  std::vector<std::string> catalogs;
  std::string verify;  // off, full, "sample 5%"
  std::string keep;    // "daily=7,min=3"
  bool allow_degraded = false;
  bool dry_run = false;
  bool follow = true;

  // Whether anything of a backup by hand was given.
  bool ad_hoc() const;
};

// kUsage names the option.
std::optional<Failure> FillSpec(const BackupRunOptions& options, admin::v1::BackupSpec& spec);
std::optional<Failure> ParseKeep(const std::string& text, admin::v1::KeepRule& keep);

ExitCode RunBackup(Console& console, const ClientOptions& client_options,
                   const BackupRunOptions& options);

}  // namespace ficus
