// Any bytes as the name of a file, a folder, an object, a time or an interval: what is understood
// is what the node itself would have written.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/index/index_run.h"
#include "engine/part/part.h"
#include "engine/schema/interval.h"
#include "engine/segment/segment_bounds.h"
#include "engine/snapshot/snapshot_name.h"
#include "engine/table/manifest.h"
#include "engine/wal/log_format.h"
#include "server/backup/repository_keys.h"
#include "server/backup/utc_time.h"

namespace {

void TakeAsFile(std::string_view name) {
  ficus::FileNumber number;
  if (ficus::ParsePartFileName(name, number)) CHECK(ficus::PartFileName(number) == name);
  if (ficus::ParseIndexRunFileName(name, number)) CHECK(ficus::IndexRunFileName(number) == name);
  ficus::Epoch epoch;
  if (ficus::ParseManifestFileName(name, epoch)) CHECK(ficus::ManifestFileName(epoch) == name);
  if (const auto log = ficus::ParseLogFileName(name)) CHECK(ficus::LogFileName(*log) == name);
  static_cast<void>(ficus::ParseLostFileName(name));
}

void TakeAsFolder(std::string_view name) {
  ficus::UnixNanos begin = 0;
  if (ficus::ParseSegmentDirectoryName(name, begin)) {
    const bool hour = ficus::SegmentDirectoryName(begin, ficus::SegmentUnit::kHour) == name;
    CHECK(hour || ficus::SegmentDirectoryName(begin, ficus::SegmentUnit::kDay) == name);
  }
  std::string id;
  if (ficus::ParseSnapshotContentsName(name, id)) {
    CHECK(ficus::SnapshotContentsPath(id) ==
          std::string(ficus::kSnapshotsDirectory) + "/" + std::string(name));
  }
  if (ficus::IsSnapshotName(name)) CHECK(ficus::CheckSnapshotName(name).has_value());
}

std::string KeyOf(const ficus::TimedirRecordName& record) {
  switch (record.kind) {
    case ficus::TimedirRecordKind::kManifest:
      return ficus::ManifestKey(record.timedir, record.generation);
    case ficus::TimedirRecordKind::kCommit:
      return ficus::CommitKey(record.timedir, record.generation);
    default:
      return ficus::VerifiedKey(record.timedir, record.generation);
  }
}

void TakeAsKey(std::string_view key) {
  if (const auto record = ficus::ParseTimedirRecordKey(key)) CHECK(KeyOf(*record) == key);
  if (const auto commit = ficus::ParseCommitKey(key)) {
    CHECK(ficus::CommitKey(commit->timedir, commit->generation) == key);
  }
  if (ficus::IsTimedirName(key)) CHECK(ficus::IsSafePath(key));
  if (ficus::IsSafePath(key))
    CHECK(("/" + std::string(key) + "/").find("/../") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TakeAsFile(text);
  TakeAsFolder(text);
  TakeAsKey(text);
  TakeAsKey(std::string(ficus::kTimedirMetaPrefix) + std::string(text));
  ficus::UnixNanos time = 0;
  if (ficus::ParseUtcText(text, time)) CHECK(ficus::UtcText(time) == text);
  const auto interval = ficus::ParseInterval(text);
  CHECK(interval.has_value() || !interval.error().message.empty());
  return 0;
}
