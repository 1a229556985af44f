#include "server/ctl/parked.h"

#include <vector>

#include <fmt/core.h>

#include "engine/database/parked_log.h"
#include "engine/table/routed_rows.h"
#include "server/ctl/log_dump.h"

namespace ficus {
namespace {

std::string ContentText(FileSystem& log_fs, const ParkedFile& file) {
  const Result<std::string> payload = ReadParked(log_fs, file.name);
  if (!payload.has_value()) return "  " + payload.error().ToString() + "\n";
  const Result<LogRecord> record = DecodeLogRecord(*payload);
  if (!record.has_value()) return "  " + record.error().ToString() + "\n";
  return LogRecordText(*record);
}

}  // namespace

Result<std::string> ListParkedText(FileSystem& log_fs) {
  ASSIGN_OR_RETURN(const std::vector<ParkedFile> files, ListParked(log_fs));
  std::string text;
  for (const ParkedFile& file : files) {
    text +=
        fmt::format("{}  log {}  batch {}\n", file.name, Hex16(file.log), file.position.value());
    text += ContentText(log_fs, file);
  }
  return text;
}

Result<> DropParkedBatch(FileSystem& log_fs, std::string_view name) {
  return DropParked(log_fs, std::string(name));
}

}  // namespace ficus
