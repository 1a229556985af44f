// What a restore would do, does and has done, in words and as JSON (which YAML reads, too).
#pragma once

#include <string>

#include "server/backup/restore_job.h"
#include "server/backup/restore_plan.h"

namespace ficus {

std::string RestorePlanText(const RestorePlan& plan);
std::string RestorePlanJson(const RestorePlan& plan);

std::string RestoreOutcomeText(const RestoreOutcome& outcome);
std::string RestoreOutcomeJson(const RestoreOutcome& outcome);

std::string RestoreStatusText(const RestoreStatus& status);
std::string RestoreStatusJson(const RestoreStatus& status);

std::string RestoreDiscardText(const RestoreDiscard& discard, bool dry_run);
std::string RestoreDiscardJson(const RestoreDiscard& discard, bool dry_run);

// "download  45.3 %  1.2 GiB of 2.7 GiB"
std::string RestoreProgressText(const RestoreProgress& progress);

}  // namespace ficus
