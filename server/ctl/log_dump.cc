#include "server/ctl/log_dump.h"

#include <memory>
#include <utility>

#include <fmt/core.h>

#include "engine/table/routed_rows.h"
#include "engine/wal/log_reader.h"

namespace ficus {

std::string LogRecordText(const LogRecord& record) {
  std::string text;
  for (const RoutedRows& routed : record.rows) {
    const TimeRange times = routed.rows.Times();
    text += fmt::format(
        "  rows {}  catalog {}  group {}  segment [{}, {})  shard {}  subject {}  times [{}, {})  "
        "new series {}\n",
        routed.rows.rows(), CatalogName(routed.catalog), Hex16(routed.group), routed.segment.begin,
        routed.segment.end, routed.shard.value(), Hex16(routed.rows.subject), times.begin,
        times.end, routed.entries.size());
  }
  for (const RetiredGroup& group : record.retired_groups) {
    text += fmt::format("  retired group {}  catalog {}\n", Hex16(group.group),
                        CatalogName(group.catalog));
  }
  for (const RemovedSegment& segment : record.removed_segments) {
    text += fmt::format("  removed segment [{}, {})  catalog {}  group {}\n", segment.times.begin,
                        segment.times.end, CatalogName(segment.catalog), Hex16(segment.group));
  }
  return text;
}

Result<std::string> DumpLog(FileSystem& log_fs) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> reader, LogReader::Open(log_fs, {}));
  const LogReport& report = reader->report();
  std::string text = fmt::format("log {}  batches {}-{}  scn {}\n", Hex16(report.id),
                                 report.first.value(), report.last.value(), report.scn.value());
  for (const LogFileReport& file : report.files) {
    text += fmt::format("file {}  bytes {}  batches {}  positions {}-{}  intact up to {}\n",
                        file.name, file.bytes, file.batches, file.first.value(), file.last.value(),
                        file.intact_end);
  }
  RETURN_IF_ERROR(reader->Read(report.first, [&](const LogReader::Batch& batch) -> Result<> {
    text += fmt::format("batch {}  scn {}  bytes {}  in {} at {}\n", batch.position.value(),
                        batch.scn.value(), batch.payload.size(), batch.file, batch.offset);
    const Result<LogRecord> record = DecodeLogRecord(batch.payload);
    text += record.has_value() ? LogRecordText(*record) : "  " + record.error().ToString() + "\n";
    return Ok();
  }));
  if (report.torn_tail) text += "the end is an unfinished group that was never acknowledged\n";
  if (report.damage.has_value()) text += report.damage->ToError().ToString() + "\n";
  return text;
}

Result<std::string> VerifyLog(FileSystem& log_fs) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> reader, LogReader::Open(log_fs, {}));
  const LogReport& report = reader->report();
  if (report.damage.has_value()) return report.damage->ToError();
  uint64_t batches = 0;
  RETURN_IF_ERROR(reader->Read(report.first, [&](const LogReader::Batch& batch) -> Result<> {
    ++batches;
    const Result<LogRecord> record = DecodeLogRecord(batch.payload);
    if (record.has_value()) return Ok();
    return record.error().With(
        fmt::format("batch {} in {} at byte {}", batch.position.value(), batch.file, batch.offset));
  }));
  return fmt::format("log {}: {} files, {} batches checked{}\n", Hex16(report.id),
                     report.files.size(), batches,
                     report.torn_tail ? ", an unfinished group at the end" : "");
}

}  // namespace ficus
