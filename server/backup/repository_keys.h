// Names of objects below a destination's prefix.
//
//     <timedir>/<folder>/...                            files, exactly as BanyanDB's tools expect
//     _meta/node                                        the node that owns the prefix
//     _meta/lease                                       who may write now
//     _meta/pending/<run>                               a run that has not committed
//     _meta/timedir/<timedir>/manifest-<generation>     16 hex digits each, so that names sort
//     _meta/timedir/<timedir>/commit-<generation>
//     _meta/timedir/<timedir>/verified-<generation>
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

std::string PendingKey(std::string_view run);
std::string ManifestKey(std::string_view timedir, uint64_t generation);
std::string CommitKey(std::string_view timedir, uint64_t generation);
std::string VerifiedKey(std::string_view timedir, uint64_t generation);
// "<timedir>/<folder>[/data]/<path>"
std::string FileKey(TimedirForm form, std::string_view timedir, std::string_view folder,
                    std::string_view path);

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
