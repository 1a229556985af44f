#include "server/backup/repository_keys.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/id.h"
#include "engine/model/names.h"
#include "server/remote/object_store.h"

namespace ficus {
namespace {

constexpr std::string_view kManifestStem = "manifest-";
constexpr std::string_view kCommitStem = "commit-";
constexpr std::string_view kVerifiedStem = "verified-";

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string RecordKey(std::string_view timedir, std::string_view stem, uint64_t generation) {
  return TimedirMetaFolder(timedir) + std::string(stem) + Hex16(generation);
}

// The number that the digits at [begin, begin + size) are; -1 when one is no digit.
int Number(std::string_view text, size_t begin, size_t size) {
  int number = 0;
  for (const char c : text.substr(begin, size)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

bool IsSafePiece(std::string_view piece) {
  if (piece.empty() || piece == "." || piece == "..") return false;
  for (const char c : piece) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
  }
  return true;
}

bool HasDataFolder(TimedirForm form, std::string_view folder) {
  return form == TimedirForm::kSeed || folder == "property" || folder == "schema-property";
}

}  // namespace

bool IsRecordName(std::string_view name) { return CheckName("record", name).has_value(); }

std::string PendingKey(std::string_view run) {
  CHECK(IsRecordName(run)) << run;
  return std::string(kPendingPrefix) + std::string(run);
}

std::string HoldKey(std::string_view id) {
  CHECK(IsRecordName(id)) << id;
  return std::string(kHoldPrefix) + std::string(id);
}

std::string ExpiredKey(std::string_view timedir) {
  CHECK(IsTimedirName(timedir)) << timedir;
  return std::string(kExpiredPrefix) + std::string(timedir);
}

std::string TimedirMetaFolder(std::string_view timedir) {
  CHECK(IsTimedirName(timedir)) << timedir;
  return std::string(kTimedirMetaPrefix) + std::string(timedir) + "/";
}

std::string ManifestKey(std::string_view timedir, uint64_t generation) {
  return RecordKey(timedir, kManifestStem, generation);
}

std::string CommitKey(std::string_view timedir, uint64_t generation) {
  return RecordKey(timedir, kCommitStem, generation);
}

std::string VerifiedKey(std::string_view timedir, uint64_t generation) {
  return RecordKey(timedir, kVerifiedStem, generation);
}

std::string FileKey(TimedirForm form, std::string_view timedir, std::string_view folder,
                    std::string_view path) {
  std::string key;
  key.reserve(timedir.size() + folder.size() + path.size() + 7);
  key.append(timedir).append("/").append(folder).append("/");
  if (HasDataFolder(form, folder)) key.append("data/");
  return key.append(path);
}

bool IsSafePath(std::string_view path) {
  if (path.empty() || path.size() > kKeyBytesMax) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!IsSafePiece(path.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return path.back() != '/';
}

std::optional<TimedirRecordName> ParseTimedirRecordKey(std::string_view key) {
  if (!StartsWith(key, kTimedirMetaPrefix)) return std::nullopt;
  key.remove_prefix(kTimedirMetaPrefix.size());
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos || !IsTimedirName(key.substr(0, slash))) return std::nullopt;
  TimedirRecordName name;
  name.timedir = key.substr(0, slash);
  key.remove_prefix(slash + 1);
  const std::pair<std::string_view, TimedirRecordKind> kinds[] = {
      {kManifestStem, TimedirRecordKind::kManifest},
      {kCommitStem, TimedirRecordKind::kCommit},
      {kVerifiedStem, TimedirRecordKind::kVerified}};
  for (const auto& [stem, kind] : kinds) {
    if (!StartsWith(key, stem)) continue;
    name.kind = kind;
    if (!ParseHex16(key.substr(stem.size()), name.generation)) return std::nullopt;
    return name;
  }
  return std::nullopt;
}

std::optional<CommitName> ParseCommitKey(std::string_view key) {
  std::optional<TimedirRecordName> name = ParseTimedirRecordKey(key);
  if (!name || name->kind != TimedirRecordKind::kCommit) return std::nullopt;
  return CommitName{std::move(name->timedir), name->generation};
}

std::string TimedirName(TimeStyle style, const CivilHour& time) {
  std::string name = fmt::format("{:04}-{:02}-{:02}", time.year, time.month, time.day);
  if (style == TimeStyle::kHourly) name += fmt::format("-{:02}", time.hour);
  return name;
}

bool IsTimedirName(std::string_view name) {
  if (name.size() != 10 && name.size() != 13) return false;
  if (name[4] != '-' || name[7] != '-') return false;
  const int year = Number(name, 0, 4);
  const int month = Number(name, 5, 2);
  const int day = Number(name, 8, 2);
  if (year < 0 || month < 0 || day < 0) return false;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return false;
  if (name.size() == 10) return true;
  const int hour = Number(name, 11, 2);
  return name[10] == '-' && hour >= 0 && hour <= 23;
}

}  // namespace ficus
