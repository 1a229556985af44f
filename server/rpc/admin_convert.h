// What the admin service says and is asked, as messages and as values of the backup room.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "ficus/admin/v1/admin.pb.h"
#include "server/backup/backup_service.h"
#include "server/backup/repository_status.h"
#include "server/rpc/admin_setup.h"

namespace ficus {

// Bounds on what a client may say.
inline constexpr size_t kAdminNameBytesMax = 255;
inline constexpr int kAdminGroupsMax = 1000;
inline constexpr uint32_t kAdminKeepMax = 100'000;
inline constexpr uint32_t kAdminNextMax = 100;
// Damaged files of a snapshot that one answer names.
inline constexpr size_t kAdminDamageMax = 1000;

// kInvalidArgument names the field: a name of a job, a remote, a run or a time directory.
Result<> CheckAdminName(std::string_view field, std::string_view name);

// All kInvalidArgument, naming the field.
Result<BackupJobSpec> FromMessage(const admin::v1::BackupSpec& message);
Result<KeepRule> FromMessage(const admin::v1::KeepRule& message);
// Of a sample: 0 is `if_zero`; otherwise above 0 and at most 100.
Result<double> SamplePercent(double percent, double if_zero);
Result<VerifyLevel> FromMessage(admin::v1::VerifyLevel level);

void ToMessage(const KeepRule& keep, admin::v1::KeepRule& message);
void ToMessage(const RunStatus& status, admin::v1::BackupRun& message);
void ToMessage(std::string_view remote, const BackupEntry& entry, admin::v1::Backup& message);
// Everything but the names of the remote.
void ToMessage(const RepositoryStatus& status, admin::v1::RestorePoint& message);
// Everything but the objects.
void ToMessage(std::string_view remote, const BackupDetails& details,
               admin::v1::BackupDescription& message);
void ToMessage(const BackupObject& object, admin::v1::BackupObject& message);
// Everything but the damaged objects themselves.
void ToMessage(std::string_view remote, const VerificationRecord& record,
               admin::v1::VerificationRecord& message);
void ToMessage(const PruneReport& report, admin::v1::PruneBackupsResponse& message);
void ToMessage(const ScheduleView& view, admin::v1::Schedule& message);
void ToMessage(const SnapshotSummary& summary, admin::v1::Snapshot& message);
void ToMessage(const SnapshotVerification& verification,
               admin::v1::VerifySnapshotResponse& message);

}  // namespace ficus
