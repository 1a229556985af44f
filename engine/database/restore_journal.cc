#include "engine/database/restore_journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/schema/schema_codec.h"

namespace ficus {
namespace {

constexpr uint64_t kMagic = 0x3154535253434946;  // "FICSRST1"
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 8 + 4;
constexpr size_t kTrailerBytes = 4;
constexpr size_t kTextBytesMax = 4096;
constexpr auto kStateNames = std::to_array<std::string_view>(
    {"staging", "ready", "moving in", "opening", "moving back", "done", "failed"});

Error Corrupt(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("restore journal: {}", what)};
}

template <typename T, typename Put>
void PutList(std::string& out, const std::vector<T>& list, Put put) {
  PutVarint(out, list.size());
  for (const T& item : list) put(item);
}

void PutNames(std::string& out, const std::vector<std::string>& names) {
  PutList(out, names, [&](const std::string& name) { PutLengthPrefixed(out, name); });
}

bool ReadText(ByteReader& reader, std::string& text) {
  std::string_view bytes;
  if (!reader.ReadLengthPrefixed(bytes) || bytes.size() > kTextBytesMax) return false;
  text = bytes;
  return true;
}

template <typename IdType>
bool ReadId(ByteReader& reader, IdType& id) {
  typename IdType::Integer value = 0;
  if (!reader.ReadLittle(value)) return false;
  id = IdType(value);
  return true;
}

bool ReadCatalog(ByteReader& reader, Catalog& catalog) {
  uint8_t value = 0;
  if (!reader.ReadLittle(value) || value < 1 || value > 4) return false;
  catalog = static_cast<Catalog>(value);
  return true;
}

bool ReadFlag(ByteReader& reader, bool& flag) {
  uint8_t value = 0;
  if (!reader.ReadLittle(value) || value > 1) return false;
  flag = value == 1;
  return true;
}

// `entry_bytes_min` bounds the count by what is left.
template <typename T, typename Read>
bool ReadList(ByteReader& reader, size_t entry_bytes_min, std::vector<T>& list, Read read) {
  uint64_t count = 0;
  if (!reader.ReadVarintAtMost(reader.remaining() / entry_bytes_min, count)) return false;
  list.resize(count);
  return std::all_of(list.begin(), list.end(), [&](T& item) { return read(item); });
}

bool ReadGroup(ByteReader& reader, RestoredGroup& group) {
  return ReadCatalog(reader, group.catalog) && ReadText(reader, group.name) &&
         ReadId(reader, group.backup_id) && ReadId(reader, group.id);
}

bool ReadPaths(ByteReader& reader, std::vector<std::string>& paths) {
  return ReadList(reader, 1, paths, [&](std::string& path) {
    return ReadText(reader, path) && CheckRelativePath(path).has_value();
  });
}

Result<> ReadObjects(ByteReader& reader, std::vector<SchemaObject>& objects) {
  std::vector<std::string_view> encoded;
  if (!ReadList(reader, 1, encoded,
                [&](std::string_view& bytes) { return reader.ReadLengthPrefixed(bytes); })) {
    return Corrupt("its schema is cut short");
  }
  for (const std::string_view bytes : encoded) {
    ASSIGN_OR_RETURN(SchemaObject object, DecodeSchemaObject(bytes));
    objects.push_back(std::move(object));
  }
  return Ok();
}

void PutSource(std::string& out, const RestoreJournal& journal) {
  PutLengthPrefixed(out, journal.source);
  PutLengthPrefixed(out, journal.timedir);
  PutLittle(out, journal.generation);
  PutLengthPrefixed(out, journal.run);
  PutLittle(out, journal.backup_node_id);
  PutLittle(out, journal.backup_position.value());
  PutLittle(out, journal.backup_scn.value());
  PutLittle(out, journal.taken_at);
  PutLittle(out, journal.file_count);
  PutLittle(out, journal.file_bytes);
}

bool ReadSource(ByteReader& reader, RestoreJournal& journal) {
  return ReadText(reader, journal.source) && ReadText(reader, journal.timedir) &&
         reader.ReadLittle(journal.generation) && ReadText(reader, journal.run) &&
         reader.ReadLittle(journal.backup_node_id) && ReadId(reader, journal.backup_position) &&
         ReadId(reader, journal.backup_scn) && reader.ReadLittle(journal.taken_at) &&
         reader.ReadLittle(journal.file_count) && reader.ReadLittle(journal.file_bytes);
}

Result<> CheckNamesOf(const RestoreJournal& journal) {
  for (const RestoredGroup& group : journal.groups) {
    if (!CheckName("group", group.name).has_value() || group.name == kSchemaGroup ||
        group.backup_id.value() == 0 || group.id.value() == 0) {
      return Corrupt("a group without a name or an id");
    }
  }
  for (const std::string& name : journal.log_aside) {
    if (name.find('/') != std::string::npos) return Corrupt("a path where a name belongs");
  }
  return Ok();
}

Result<RestoreJournal> DecodeFields(std::string_view fields) {
  RestoreJournal journal;
  ByteReader reader(fields);
  uint8_t state = 0;
  const bool begins = reader.ReadLittle(journal.id) && reader.ReadLittle(state) &&
                      ReadFlag(reader, journal.whole_node) && ReadSource(reader, journal) &&
                      reader.ReadLittle(journal.begun_at) && reader.ReadLittle(journal.ended_at);
  if (!begins || journal.id == 0 || state < 1 || state > kStateNames.size()) {
    return Corrupt("its fields are wrong");
  }
  journal.state = static_cast<RestoreState>(state);
  const bool lists = ReadList(reader, 1, journal.whole_catalogs,
                              [&](Catalog& catalog) { return ReadCatalog(reader, catalog); }) &&
                     ReadList(reader, 1 + 1 + 8 + 8, journal.groups,
                              [&](RestoredGroup& group) { return ReadGroup(reader, group); });
  if (!lists) return Corrupt("its groups are wrong");
  RETURN_IF_ERROR(ReadObjects(reader, journal.objects));
  const bool ends = ReadPaths(reader, journal.markers) && reader.ReadLittle(journal.node_id) &&
                    ReadId(reader, journal.position) && ReadId(reader, journal.scn) &&
                    ReadPaths(reader, journal.aside) && ReadPaths(reader, journal.log_aside) &&
                    ReadText(reader, journal.reason);
  if (!ends || !reader.AtEnd()) return Corrupt("its fields do not fill it");
  RETURN_IF_ERROR(CheckNamesOf(journal));
  return journal;
}

std::string HoldFile(GroupId group) { return JoinPath(kRetentionHoldDirectory, Hex16(group)); }

Result<> RemoveDurably(FileSystem& fs, std::string_view path) {
  const Result<> removed = fs.Remove(path);
  if (!removed.has_value()) {
    if (removed.error().code == ErrorCode::kNotFound) return Ok();
    return removed;
  }
  return fs.SyncDirectory(ParentPath(path));
}

}  // namespace

std::string_view RestoreStateName(RestoreState state) {
  const size_t index = static_cast<size_t>(state) - 1;
  CHECK(index < kStateNames.size()) << index;
  return kStateNames[index];
}

bool IsOpen(RestoreState state) {
  return state == RestoreState::kReady || state == RestoreState::kMovingIn ||
         state == RestoreState::kOpening || state == RestoreState::kMovingBack;
}

std::string RestoreFolder(uint64_t id) { return JoinPath(kRestoreDirectory, Hex16(id)); }
std::string StagedFolder(uint64_t id) { return JoinPath(RestoreFolder(id), "new"); }
std::string AsideFolder(uint64_t id) { return JoinPath(RestoreFolder(id), "old"); }
std::string LogAsideFolder(uint64_t id) { return "restore-" + Hex16(id); }

std::string EncodeRestoreJournal(const RestoreJournal& journal) {
  std::string bytes;
  PutLittle(bytes, kMagic);
  PutLittle(bytes, kVersion);
  PutLittle(bytes, journal.id);
  PutLittle(bytes, static_cast<uint8_t>(journal.state));
  PutLittle<uint8_t>(bytes, journal.whole_node ? 1 : 0);
  PutSource(bytes, journal);
  PutLittle(bytes, journal.begun_at);
  PutLittle(bytes, journal.ended_at);
  PutList(bytes, journal.whole_catalogs,
          [&](Catalog catalog) { PutLittle(bytes, static_cast<uint8_t>(catalog)); });
  PutList(bytes, journal.groups, [&](const RestoredGroup& group) {
    PutLittle(bytes, static_cast<uint8_t>(group.catalog));
    PutLengthPrefixed(bytes, group.name);
    PutLittle(bytes, group.backup_id.value());
    PutLittle(bytes, group.id.value());
  });
  PutList(bytes, journal.objects, [&](const SchemaObject& object) {
    PutLengthPrefixed(bytes, EncodeSchemaObject(object));
  });
  PutNames(bytes, journal.markers);
  PutLittle(bytes, journal.node_id);
  PutLittle(bytes, journal.position.value());
  PutLittle(bytes, journal.scn.value());
  PutNames(bytes, journal.aside);
  PutNames(bytes, journal.log_aside);
  PutLengthPrefixed(bytes, std::string_view(journal.reason).substr(0, kTextBytesMax));
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

Result<RestoreJournal> DecodeRestoreJournal(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kTrailerBytes) return Corrupt("cut short");
  const std::string_view checked = bytes.substr(0, bytes.size() - kTrailerBytes);
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("checksum mismatch");
  }
  if (LoadLittle<uint64_t>(bytes.data()) != kMagic) return Corrupt("of another kind");
  const auto version = LoadLittle<uint32_t>(bytes.data() + sizeof kMagic);
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion,
                 fmt::format("restore journal: version {}", version)};
  }
  return DecodeFields(checked.substr(kHeaderBytes));
}

Result<std::optional<RestoreJournal>> ReadRestoreJournal(FileSystem& fs) {
  Result<std::string> bytes =
      ReadWholeFile(fs, kRestoreJournalFile, kRestoreJournalBytesMax, FileClass::kRecovery);
  if (!bytes.has_value()) {
    if (bytes.error().code == ErrorCode::kNotFound) return std::optional<RestoreJournal>();
    return std::move(bytes).error();
  }
  Result<RestoreJournal> journal = DecodeRestoreJournal(*bytes);
  if (!journal.has_value()) return std::move(journal).error().With(kRestoreJournalFile);
  return std::optional<RestoreJournal>(*std::move(journal));
}

Result<> WriteRestoreJournal(FileSystem& fs, RandomSource& random, const RestoreJournal& journal) {
  return PublishFile(fs, random, kRestoreJournalFile, EncodeRestoreJournal(journal),
                     FileClass::kManifest);
}

Result<> RemoveRestoreJournal(FileSystem& fs) { return RemoveDurably(fs, kRestoreJournalFile); }

Result<> HoldRetention(FileSystem& fs, RandomSource& random, GroupId group) {
  RETURN_IF_ERROR(CreateDirectories(fs, kRetentionHoldDirectory));
  return PublishFile(fs, random, HoldFile(group), {}, FileClass::kManifest);
}

Result<> ReleaseRetention(FileSystem& fs, GroupId group) {
  return RemoveDurably(fs, HoldFile(group));
}

Result<bool> IsRetentionHeld(FileSystem& fs, GroupId group) {
  const Result<FileStatus> status = fs.Status(HoldFile(group));
  if (status.has_value()) return true;
  if (status.error().code == ErrorCode::kNotFound) return false;
  return status.error();
}

}  // namespace ficus
