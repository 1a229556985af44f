#include "engine/wal/log_reader.h"

#include <algorithm>
#include <utility>

#include "engine/base/id.h"
#include "engine/base/planted_bug.h"
#include "engine/wal/log_file_scanner.h"

namespace ficus {
namespace {

std::string Position(LogPosition position) { return std::to_string(position.value()); }

}  // namespace

Error LogDamage::ToError() const {
  return {ErrorCode::kCorruption, "log file " + file + ": bytes [" + std::to_string(begin) + ", " +
                                      std::to_string(end) + "): " + what};
}

Result<std::unique_ptr<LogReader>> LogReader::Open(FileSystem& fs, LogReaderOptions options) {
  std::unique_ptr<LogReader> reader(new LogReader(fs, std::move(options)));
  RETURN_IF_ERROR(reader->ListFiles());
  std::vector<Scanned> scanned;
  for (LogFileReport& file : reader->report_.files) {
    ASSIGN_OR_RETURN(Scanned result, reader->Scan(file));
    scanned.push_back(std::move(result));
  }
  reader->Summarise(scanned);
  return reader;
}

Result<> LogReader::ListFiles() {
  ASSIGN_OR_RETURN(const auto entries, fs_.List(""));
  for (const DirectoryEntry& entry : entries) {
    if (const auto lost = ParseLostFileName(entry.name)) {
      report_.highest = std::max(report_.highest, *lost);
    }
    const std::optional<uint64_t> number = ParseLogFileName(entry.name);
    if (!number || entry.is_directory) continue;
    LogFileReport file;
    file.name = entry.name;
    file.number = *number;
    report_.files.push_back(std::move(file));
  }
  if (report_.files.empty()) {
    return Error{ErrorCode::kNotFound, "no log in " + (fs_.root().empty() ? "." : fs_.root())};
  }
  return Ok();
}

Result<LogReader::Scanned> LogReader::Scan(LogFileReport& report) {
  Scanned scanned;
  ASSIGN_OR_RETURN(const auto file, fs_.Open(report.name, {.file_class = options_.file_class}));
  if (options_.drop_cache) RETURN_IF_ERROR(file->DropCache());
  ASSIGN_OR_RETURN(report.bytes, file->Size());
  std::string bytes(std::min<uint64_t>(kLogHeaderBytes, report.bytes), '\0');
  RETURN_IF_ERROR(file->ReadAt(0, bytes));
  Result<LogFileHeader> header = DecodeLogFileHeader(bytes);
  if (!header) {
    if (header.error().code != ErrorCode::kCorruption) {
      return std::move(header).error().With("log file " + report.name);
    }
    scanned.damage = LogDamage{report.name, 0, kLogHeaderBytes, header.error().message};
    return scanned;
  }
  if (header->number != report.number) {
    scanned.damage = LogDamage{report.name, 0, kLogHeaderBytes,
                               "is by its header file " + LogFileName(header->number)};
    return scanned;
  }
  report.header = *header;
  RETURN_IF_ERROR(ScanBatches(*file, report, scanned));
  return scanned;
}

Result<> LogReader::ScanBatches(File& file, LogFileReport& report, Scanned& scanned) {
  LogFileScanner scanner(file, report.bytes, *report.header);
  for (;;) {
    if (options_.stop.stop_requested()) {
      return Error{ErrorCode::kCancelled, "reading the log was stopped"};
    }
    const auto batch = scanner.Next();
    if (batch && *batch) continue;
    if (!batch && batch.error().code != ErrorCode::kCorruption) return batch.error();
    if (!batch) {
      scanned.damage = LogDamage{report.name, scanner.intact_end(), scanner.stop_offset(),
                                 batch.error().message};
    }
    break;
  }
  ASSIGN_OR_RETURN(const LogFileScanner::Tail tail, scanner.InspectTail());
  report.first = report.header->first;
  report.last =
      scanner.batches() > 0 ? scanner.last() : LogPosition(report.header->first.value() - 1);
  report.batches = scanner.batches();
  report.scn = scanner.scn();
  report.intact_end = scanner.intact_end();
  report.chain = scanner.intact_chain();
  report.used_end = std::max(tail.used_end, scanner.intact_end());
  scanned.end = scanner.last();
  scanned.stop_offset = scanner.stop_offset();
  scanned.resume_offset = tail.resume_offset;
  scanned.synced = tail.synced;
  scanned.highest = tail.highest;
  return Ok();
}

// Sets everything of the report that concerns more than one file.
void LogReader::Summarise(const std::vector<Scanned>& scanned) {
  JoinFiles(scanned);
  report_.highest = std::max(report_.highest, report_.last);
  for (size_t index = 0; index < scanned.size(); ++index) {
    const LogFileReport& file = report_.files[index];
    if (!file.header || file.header->log != report_.id) continue;
    report_.highest =
        std::max({report_.highest, file.last, file.header->prior, scanned[index].highest});
  }
  const LogFileReport& newest = report_.files.back();
  report_.torn_tail = !report_.damage && newest.used_end > newest.intact_end;
}

// Goes from file to file until something is wrong.
void LogReader::JoinFiles(const std::vector<Scanned>& scanned) {
  for (size_t index = 0; index < scanned.size() && !report_.damage; ++index) {
    const LogFileReport& file = report_.files[index];
    if (index > 0) report_.damage = JudgeSequence(scanned[index - 1], index);
    if (!report_.damage && !file.header) report_.damage = scanned[index].damage;
    if (report_.damage) return;
    ++report_.readable_files;
    if (index == 0) report_.id = file.header->log;
    if (index == 0) report_.first = file.header->first;
    report_.last = scanned[index].end;
    report_.scn = std::max(report_.scn, file.scn);
    report_.damage = JudgeContents(scanned[index], index);
  }
}

// What is wrong inside file `index`, by itself or by what the next one says.
std::optional<LogDamage> LogReader::JudgeContents(const Scanned& here, size_t index) const {
  if (here.damage) return here.damage;
  if (here.synced > here.end) {
    return Hole(here, index, "position " + Position(here.end.Next()) + " was durable");
  }
  if (index + 1 == report_.files.size()) return std::nullopt;
  const LogFileReport& file = report_.files[index];
  const LogFileReport& next = report_.files[index + 1];
  const bool follows =
      next.header && next.number == file.number + 1 && next.header->log == file.header->log;
  if (follows && next.header->prior > here.end) {
    return Hole(
        here, index,
        "position " + Position(here.end.Next()) + " was durable when " + next.name + " began");
  }
  return std::nullopt;
}

// What is wrong between file `index` and the one `before` it.
std::optional<LogDamage> LogReader::JudgeSequence(const Scanned& before, size_t index) const {
  const LogFileReport& last = report_.files[index - 1];
  const LogFileReport& file = report_.files[index];
  if (file.number != last.number + 1) {
    return LogDamage{LogFileName(last.number + 1), 0, 0, "missing"};
  }
  if (!file.header) return std::nullopt;
  const LogFileHeader& header = *file.header;
  if (header.log != last.header->log) {
    return LogDamage{file.name, 0, kLogHeaderBytes,
                     "belongs to log " + Hex16(header.log) + ", " + last.name + " to log " +
                         Hex16(last.header->log)};
  }
  if (header.prior != before.end || header.prior_chain != last.chain) {
    return LogDamage{file.name, 0, kLogHeaderBytes,
                     "continues another file than " + last.name + " (position " +
                         Position(header.prior) + " instead of " + Position(before.end) + ")"};
  }
  return std::nullopt;
}

LogDamage LogReader::Hole(const Scanned& scanned, size_t index, std::string what) const {
  const LogFileReport& file = report_.files[index];
  uint64_t end = scanned.resume_offset;
  if (end == 0) end = std::max(file.used_end, scanned.stop_offset);
  return {file.name, scanned.stop_offset, end, std::move(what)};
}

Result<> LogReader::Read(LogPosition from, const Visit& visit) const {
  for (size_t index = 0; index < report_.readable_files; ++index) {
    if (IsPlanted(PlantedBug::kReplayStopsAfterFirstFile) && index > 0) break;
    const LogFileReport& file = report_.files[index];
    if (file.last < from || file.batches == 0) continue;
    RETURN_IF_ERROR(ReadFile(file, from, visit));
  }
  return Ok();
}

Result<> LogReader::ReadFile(const LogFileReport& report, LogPosition from,
                             const Visit& visit) const {
  ASSIGN_OR_RETURN(const auto file, fs_.Open(report.name, {.file_class = options_.file_class}));
  LogFileScanner scanner(*file, report.intact_end, *report.header);
  while (scanner.batches() < report.batches) {
    ASSIGN_OR_RETURN(const auto batch, scanner.Next());
    if (!batch) {
      return Error{ErrorCode::kCorruption, "log file " + report.name + ": offset " +
                                               std::to_string(scanner.stop_offset()) +
                                               ": a batch that was intact no longer is"};
    }
    if (batch->position < from) continue;
    RETURN_IF_ERROR(
        visit({batch->position, batch->scn, batch->payload, report.name, batch->offset}));
  }
  return Ok();
}

}  // namespace ficus
