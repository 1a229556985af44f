// Names of objects below a destination's prefix.
//
//     <timedir>/<folder>/...                            files, exactly as BanyanDB's tools expect
//     _meta/node                                        the node that owns the prefix
//     _meta/lease                                       who may write now
//     _meta/pending/<run>                               a run that has not committed
//     _meta/timedir/<timedir>/manifest-<generation>     16 hex digits each, so that names sort
//     _meta/timedir/<timedir>/commit-<generation>
//     _meta/timedir/<timedir>/verified-<generation>
//     _meta/hold/<id>                                   a restore reads a time directory
//     _meta/expired/<timedir>                           a time directory that goes or has gone
//
// Ids of runs and holds and time directories are single pieces of a key; functions that take one
// CHECK that it is (IsRecordName, IsTimedirName).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "server/backup/manifest.h"

namespace ficus {

inline constexpr std::string_view kNodeKey = "_meta/node";
inline constexpr std::string_view kLeaseKey = "_meta/lease";
inline constexpr std::string_view kPendingPrefix = "_meta/pending/";
inline constexpr std::string_view kTimedirMetaPrefix = "_meta/timedir/";
inline constexpr std::string_view kHoldPrefix = "_meta/hold/";
inline constexpr std::string_view kExpiredPrefix = "_meta/expired/";

// Whether `name` may be the id of a run or of a hold: a name that is one piece of a key.
bool IsRecordName(std::string_view name);

std::string PendingKey(std::string_view run);
std::string HoldKey(std::string_view id);
std::string ExpiredKey(std::string_view timedir);
// "_meta/timedir/<timedir>/"
std::string TimedirMetaFolder(std::string_view timedir);
std::string ManifestKey(std::string_view timedir, uint64_t generation);
std::string CommitKey(std::string_view timedir, uint64_t generation);
std::string VerifiedKey(std::string_view timedir, uint64_t generation);
// "<timedir>/<folder>[/data]/<path>". "data" stands there in the seed form, and for "property" and
// "schema-property" in the released form, because BanyanDB's snapshots of these two have it.
std::string FileKey(TimedirForm form, std::string_view timedir, std::string_view folder,
                    std::string_view path);
// Whether `path` stays below the folder it is joined to: not empty, '/'-separated, no empty, "." or
// ".." piece, no character below space, no backslash, at most kKeyBytesMax.
bool IsSafePath(std::string_view path);

enum class TimedirRecordKind : uint8_t { kManifest, kCommit, kVerified };
struct TimedirRecordName {
  std::string timedir;
  TimedirRecordKind kind = TimedirRecordKind::kCommit;
  uint64_t generation = 0;
};
// What a key below kTimedirMetaPrefix names; none when `key` is none of the three kinds.
std::optional<TimedirRecordName> ParseTimedirRecordKey(std::string_view key);

struct CommitName {
  std::string timedir;
  uint64_t generation = 0;
};
// What a key of a commit record names; none when `key` is not one.
std::optional<CommitName> ParseCommitKey(std::string_view key);

enum class TimeStyle : uint8_t { kDaily, kHourly };
// "2026-11-20" or "2026-11-20-09": YYYY-MM-DD[-HH] of a time in the zone of the schedule.
struct CivilHour {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
};
std::string TimedirName(TimeStyle style, const CivilHour& time);
// Whether `name` is a time directory of either style; others are refused everywhere.
bool IsTimedirName(std::string_view name);

}  // namespace ficus
