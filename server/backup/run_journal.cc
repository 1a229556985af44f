#include "server/backup/run_journal.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

constexpr std::string_view kMagic = "FICUSBKJ";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeadBytes = 16;  // magic, version, checksum of both
constexpr size_t kFrameHeadBytes = 8;
constexpr size_t kFrameBytesMax = 16 << 20;
constexpr size_t kIntentsBytesMax = 1 << 20;  // in one record
constexpr std::string_view kSuffix = ".journal";

enum class RecordType : uint8_t {
  kBegin = 1,
  kAim = 2,
  kIntents = 3,
  kDone = 4,
  kCommitted = 5,
  kCancelled = 6,
};

std::string Head() {
  std::string head(kMagic);
  PutLittle(head, kVersion);
  PutLittle(head, Crc32c(head));
  return head;
}

// The checksum covers the place, too: an old block at this offset is not mistaken for a record.
std::string Frame(std::string_view payload, uint64_t offset) {
  std::string frame;
  PutLittle(frame, static_cast<uint32_t>(payload.size()));
  PutLittle(frame, PlacedCrc32c(payload, 0, offset));
  frame += payload;
  return frame;
}

std::string Payload(RecordType type) { return std::string(1, static_cast<char>(type)); }

void PutTexts(std::string& out, const std::vector<std::string>& texts) {
  PutVarint(out, texts.size());
  for (const std::string& text : texts) PutLengthPrefixed(out, text);
}

bool ReadText(ByteReader& reader, std::string& text) {
  std::string_view bytes;
  if (!reader.ReadLengthPrefixed(bytes)) return false;
  text = bytes;
  return true;
}

bool ReadTexts(ByteReader& reader, std::vector<std::string>& texts) {
  uint64_t count = 0;
  if (!reader.ReadVarintAtMost(reader.remaining(), count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!ReadText(reader, texts.emplace_back())) return false;
  }
  return true;
}

std::string EncodeBegin(const RunHistory& history) {
  const BackupJobSpec& spec = history.spec;
  std::string out = Payload(RecordType::kBegin);
  PutLengthPrefixed(out, history.run);
  PutLengthPrefixed(out, history.snapshot);
  PutLittle(out, history.started_at);
  PutLengthPrefixed(out, spec.name);
  PutLengthPrefixed(out, spec.remote);
  PutLittle(out, static_cast<uint8_t>(spec.time_style));
  PutLittle(out, static_cast<uint8_t>(spec.form));
  PutTexts(out, spec.groups);
  PutTexts(out, spec.catalogs);
  PutLittle(out, static_cast<uint8_t>(spec.verify));
  PutLittle(out, std::bit_cast<uint64_t>(spec.sample_percent));
  for (const uint32_t count :
       {spec.keep.hourly, spec.keep.daily, spec.keep.weekly, spec.keep.monthly, spec.keep.min}) {
    PutLittle(out, count);
  }
  PutLittle(out, static_cast<uint8_t>(spec.allow_degraded ? 1 : 0));
  return out;
}

template <typename Enum>
bool ReadEnum(ByteReader& reader, Enum last, Enum& value) {
  uint8_t number = 0;
  if (!reader.ReadLittle(number) || number > static_cast<uint8_t>(last)) return false;
  value = static_cast<Enum>(number);
  return true;
}

bool ReadBegin(ByteReader& reader, RunHistory& history) {
  BackupJobSpec& spec = history.spec;
  uint64_t percent = 0;
  uint8_t allow_degraded = 0;
  bool ok = ReadText(reader, history.run) && ReadText(reader, history.snapshot) &&
            reader.ReadLittle(history.started_at) && ReadText(reader, spec.name) &&
            ReadText(reader, spec.remote) &&
            ReadEnum(reader, TimeStyle::kHourly, spec.time_style) &&
            ReadEnum(reader, TimedirForm::kSeed, spec.form) && ReadTexts(reader, spec.groups) &&
            ReadTexts(reader, spec.catalogs) && ReadEnum(reader, VerifyMode::kFull, spec.verify) &&
            reader.ReadLittle(percent);
  for (uint32_t* count : {&spec.keep.hourly, &spec.keep.daily, &spec.keep.weekly,
                          &spec.keep.monthly, &spec.keep.min}) {
    ok = ok && reader.ReadLittle(*count);
  }
  ok = ok && reader.ReadLittle(allow_degraded);
  spec.sample_percent = std::bit_cast<double>(percent);
  spec.allow_degraded = allow_degraded != 0;
  return ok;
}

std::string EncodeAim(const RunAim& aim) {
  std::string out = Payload(RecordType::kAim);
  PutLengthPrefixed(out, aim.place);
  PutLittle(out, aim.generation);
  PutLittle(out, aim.base_generation);
  return out;
}

bool ReadAim(ByteReader& reader, RunAim& aim) {
  return ReadText(reader, aim.place) && reader.ReadLittle(aim.generation) &&
         reader.ReadLittle(aim.base_generation);
}

std::string EncodeDone(const JournaledObject& done) {
  const BackupObject& object = done.object;
  std::string out = Payload(RecordType::kDone);
  PutLittle(out, static_cast<uint8_t>(done.route));
  PutLengthPrefixed(out, object.folder);
  PutLengthPrefixed(out, object.path);
  PutLengthPrefixed(out, object.key);
  PutLittle(out, object.size_bytes);
  PutLittle(out, object.sha256);
  PutLittle(out, object.group.value());
  PutLittle(out, object.checksum);
  PutLittle(out, static_cast<uint8_t>(object.is_section_file ? 1 : 0));
  return out;
}

bool ReadDone(ByteReader& reader, JournaledObject& done) {
  BackupObject& object = done.object;
  uint64_t group = 0;
  uint8_t is_section_file = 0;
  const bool ok = ReadEnum(reader, ObjectRoute::kSent, done.route) &&
                  ReadText(reader, object.folder) && ReadText(reader, object.path) &&
                  ReadText(reader, object.key) && reader.ReadLittle(object.size_bytes) &&
                  reader.ReadLittle(object.sha256) && reader.ReadLittle(group) &&
                  reader.ReadLittle(object.checksum) && reader.ReadLittle(is_section_file);
  object.group = GroupId(group);
  object.is_section_file = is_section_file != 0;
  return ok;
}

// False when the record is not one that this version writes.
bool Apply(std::string_view payload, RunHistory& history) {
  ByteReader reader(payload);
  uint8_t type = 0;
  if (!reader.ReadLittle(type)) return false;
  switch (static_cast<RecordType>(type)) {
    case RecordType::kBegin:
      return history.run.empty() && ReadBegin(reader, history) && reader.AtEnd() &&
             !history.run.empty();
    case RecordType::kAim: {
      RunAim aim;
      if (!ReadAim(reader, aim) || !reader.AtEnd()) return false;
      history.aims.push_back(std::move(aim));
      return true;
    }
    case RecordType::kIntents: {
      std::vector<std::string> keys;
      if (!ReadTexts(reader, keys) || !reader.AtEnd()) return false;
      std::move(keys.begin(), keys.end(), std::back_inserter(history.intents));
      return true;
    }
    case RecordType::kDone: {
      JournaledObject done;
      if (!ReadDone(reader, done) || !reader.AtEnd()) return false;
      history.done.push_back(std::move(done));
      return true;
    }
    case RecordType::kCommitted:
      return reader.ReadLittle(history.committed_generation) && reader.AtEnd();
    case RecordType::kCancelled:
      history.cancelled = true;
      return reader.AtEnd();
  }
  return false;
}

// Whether `bytes` are what is left of a journal that was being created: nothing stands behind its
// first record, which is synced before the run does anything.
bool IsUnbegun(std::string_view bytes) {
  if (bytes.size() < kHeadBytes + kFrameHeadBytes) return true;
  const std::string_view records = bytes.substr(kHeadBytes);
  if (records.find_first_not_of('\0') == std::string_view::npos) return true;
  const auto size = LoadLittle<uint32_t>(records.data());
  return size <= kFrameBytesMax && records.size() - kFrameHeadBytes <= size;
}

Error Corrupt(std::string_view what) {
  return {ErrorCode::kCorruption, "backup journal: " + std::string(what)};
}

Result<RunHistory> DecodeRecords(std::string_view bytes, uint64_t& readable) {
  if (bytes.size() < kHeadBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return Corrupt("no journal");
  }
  const std::string_view checked = bytes.substr(0, kHeadBytes - sizeof(uint32_t));
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("head: checksum mismatch");
  }
  const auto version = LoadLittle<uint32_t>(bytes.data() + kMagic.size());
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion,
                 "backup journal: version " + std::to_string(version) + " is not known"};
  }
  RunHistory history;
  uint64_t at = kHeadBytes;
  while (bytes.size() - at >= kFrameHeadBytes) {
    const auto size = LoadLittle<uint32_t>(bytes.data() + at);
    const auto checksum = LoadLittle<uint32_t>(bytes.data() + at + sizeof size);
    if (size > kFrameBytesMax || size > bytes.size() - at - kFrameHeadBytes) break;
    const std::string_view payload = bytes.substr(at + kFrameHeadBytes, size);
    if (PlacedCrc32c(payload, 0, at) != checksum) break;
    // No tear leaves a whole record: to cut it off would forget what a newer version has done.
    if (!Apply(payload, history)) {
      return Error{ErrorCode::kUnsupportedVersion,
                   fmt::format("backup journal: the record at {} is not known", at)};
    }
    at += kFrameHeadBytes + size;
  }
  if (history.run.empty()) return Corrupt("its first record cannot be read");
  readable = at;
  return history;
}

}  // namespace

std::string JournalPath(std::string_view run) {
  return std::string(kJournalFolder) + "/" + std::string(run) + std::string(kSuffix);
}

Result<RunHistory> DecodeJournal(std::string_view bytes, uint64_t& readable) {
  readable = 0;
  Result<RunHistory> history = DecodeRecords(bytes, readable);
  if (history || history.error().code != ErrorCode::kCorruption || !IsUnbegun(bytes)) {
    return history;
  }
  return Error{ErrorCode::kNotFound, "backup journal: was never begun"};
}

Result<std::unique_ptr<RunJournal>> RunJournal::Create(FileSystem& fs, const RunHistory& history) {
  RETURN_IF_ERROR(CreateDirectories(fs, kJournalFolder, FileClass::kBackup));
  const std::string path = JournalPath(history.run);
  ASSIGN_OR_RETURN(auto file,
                   fs.Open(path, {.file_class = FileClass::kBackup, .mode = OpenMode::kCreate}));
  const std::string head = Head();
  auto journal = std::unique_ptr<RunJournal>(new RunJournal(std::move(file), head.size()));
  RETURN_IF_ERROR(journal->file_->WriteAt(0, head));
  RETURN_IF_ERROR(journal->Append(EncodeBegin(history)));
  RETURN_IF_ERROR(fs.SyncDirectory(kJournalFolder, FileClass::kBackup));
  return journal;
}

Result<std::unique_ptr<RunJournal>> RunJournal::Reopen(FileSystem& fs, std::string_view run,
                                                       RunHistory& history) {
  const std::string path = JournalPath(run);
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadWholeFile(fs, path, kJournalBytesMax, FileClass::kBackup));
  uint64_t readable = 0;
  auto decoded = DecodeJournal(bytes, readable);
  if (!decoded) return std::move(decoded).error().With("read " + path);
  history = std::move(*decoded);
  if (history.run != run) return Corrupt(path + " is of run " + history.run);
  ASSIGN_OR_RETURN(auto file,
                   fs.Open(path, {.file_class = FileClass::kBackup, .mode = OpenMode::kReadWrite}));
  if (readable < bytes.size()) {
    RETURN_IF_ERROR(file->Truncate(readable));
    RETURN_IF_ERROR(file->Sync(SyncKind::kAll));
  }
  return std::unique_ptr<RunJournal>(new RunJournal(std::move(file), readable));
}

Result<> RunJournal::Append(std::string_view payload) {
  MutexLock lock(mutex_);
  if (failed_) return Error{ErrorCode::kIo, "the journal of the run could not be written before"};
  const std::string frame = Frame(payload, offset_);
  auto written = file_->WriteAt(offset_, frame);
  if (written) written = file_->Sync(SyncKind::kData);
  failed_ = !written;
  if (written) offset_ += frame.size();
  return written;
}

Result<> RunJournal::AddAim(const RunAim& aim) { return Append(EncodeAim(aim)); }

Result<> RunJournal::AddIntents(const std::vector<std::string>& keys) {
  for (size_t next = 0; next < keys.size();) {
    std::vector<std::string> some;
    for (size_t bytes = 0; next < keys.size() && bytes < kIntentsBytesMax; ++next) {
      bytes += keys[next].size();
      some.push_back(keys[next]);
    }
    std::string payload = Payload(RecordType::kIntents);
    PutTexts(payload, some);
    RETURN_IF_ERROR(Append(payload));
  }
  return Ok();
}

Result<> RunJournal::AddDone(const JournaledObject& object) { return Append(EncodeDone(object)); }

Result<> RunJournal::AddCommitted(uint64_t generation) {
  std::string payload = Payload(RecordType::kCommitted);
  PutLittle(payload, generation);
  return Append(payload);
}

Result<> RunJournal::AddCancelled() { return Append(Payload(RecordType::kCancelled)); }

Result<> RunJournal::Remove(FileSystem& fs, std::string_view run) {
  auto removed = fs.Remove(JournalPath(run));
  if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  return fs.SyncDirectory(kJournalFolder, FileClass::kBackup);
}

Result<std::vector<std::string>> ListJournals(FileSystem& fs) {
  std::vector<std::string> runs;
  auto entries = fs.List(kJournalFolder);
  if (!entries && entries.error().code == ErrorCode::kNotFound) return runs;
  if (!entries) return std::move(entries).error();
  for (const DirectoryEntry& entry : *entries) {
    const std::string_view name = entry.name;
    if (entry.is_directory || name.size() <= kSuffix.size()) continue;
    const std::string_view run = name.substr(0, name.size() - kSuffix.size());
    if (name.substr(run.size()) == kSuffix) runs.emplace_back(run);
  }
  return runs;
}

}  // namespace ficus
