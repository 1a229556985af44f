#include "engine/database/parked_rows.h"

#include <memory>
#include <string>
#include <utility>

#include "engine/base/log.h"
#include "engine/database/parked_log.h"
#include "engine/database/replay.h"
#include "engine/database/schema_store.h"
#include "engine/schema/schema_codec.h"

namespace ficus {
namespace {

Result<std::vector<Routed>> Place(const ParkedRowsEnvironment& environment, LogRecord record) {
  if (!record.retired_groups.empty() || !record.removed_segments.empty()) {
    return Error{ErrorCode::kFailedPrecondition, "it holds more than rows"};
  }
  std::vector<Routed> placed;
  for (RoutedRows& rows : record.rows) {
    if (rows.group == kSchemaGroupId) {
      return Error{ErrorCode::kFailedPrecondition, "it holds rows of the schema"};
    }
    ASSIGN_OR_RETURN(std::shared_ptr<TsTable> table,
                     FindTable(environment.find_group(rows.group), rows));
    placed.push_back({std::move(table), std::move(rows)});
  }
  return placed;
}

// How many rows became visible.
Result<uint64_t> Apply(const ParkedRowsEnvironment& environment, const ParkedFile& file) {
  ASSIGN_OR_RETURN(const std::string payload, ReadParked(environment.log_fs, file.name));
  ASSIGN_OR_RETURN(LogRecord record, DecodeLogRecord(payload));
  ASSIGN_OR_RETURN(std::vector<Routed> placed, Place(environment, std::move(record)));
  uint64_t rows = 0;
  for (const Routed& routed : placed) rows += routed.rows.rows.rows();
  const auto completion = std::make_shared<Completion>();
  RETURN_IF_ERROR(environment.submit(std::move(placed), [completion] { completion->Set(); }));
  completion->Wait(environment.run_until);
  RETURN_IF_ERROR(DropParked(environment.log_fs, file.name));
  return rows;
}

}  // namespace

Result<ParkedRowsOutcome> ApplyParkedRows(const ParkedRowsEnvironment& environment) {
  ParkedRowsOutcome outcome;
  ASSIGN_OR_RETURN(const std::vector<ParkedFile> files, ListParked(environment.log_fs));
  for (const ParkedFile& file : files) {
    const Result<uint64_t> rows = Apply(environment, file);
    if (!rows.has_value()) {
      ++outcome.batches_kept;
      LogWarn("log.parked_kept", "{} stays parked: {}", file.name, rows.error().ToString());
      continue;
    }
    ++outcome.batches_applied;
    outcome.rows_applied += *rows;
    LogInfo("log.unparked", "{}: {} rows have their place again", file.name, *rows);
  }
  return outcome;
}

}  // namespace ficus
