// What a run did, for people, and the exit code it ends with.
#pragma once

#include <string>

#include "ficus/admin/v1/admin.pb.h"
#include "server/ctl/exit_code.h"

namespace ficus {

// Of a run that has ended. kPartly: committed, but degraded, or a step after the commit failed.
ExitCode ExitCodeOf(const admin::v1::BackupRun& run);

// "nightly", or "run 5f2a..." for a run by hand.
std::string RunName(const admin::v1::BackupRun& run);

// Lines about a run that reached its end: what was committed or, in a dry run, would be.
std::string RunReport(const admin::v1::BackupRun& run);

// What went wrong and what to do about it; empty when nothing did.
std::string RunProblem(const admin::v1::BackupRun& run);

}  // namespace ficus
