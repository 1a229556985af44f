#include "server/daemon/database_metrics.h"

#include <string>
#include <utility>
#include <vector>

namespace ficus {
namespace {

void AddGauge(std::vector<MetricFamily>& families, std::string name, std::string help,
              double value) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = MetricType::kGauge;
  family.samples.push_back({{}, value, nullptr});
  families.push_back(std::move(family));
}

}  // namespace

std::shared_ptr<void> AddDatabaseMetrics(MetricRegistry& registry, Database& database) {
  return registry.AddCollector([&database](std::vector<MetricFamily>& families) {
    const DatabaseStatus status = database.Status();
    const auto add = [&](std::string name, std::string help, uint64_t value) {
      AddGauge(families, std::move(name), std::move(help), static_cast<double>(value));
    };
    add("ficus_parts", "Parts of the open tables.", status.parts);
    add("ficus_mem_parts", "Parts in memory.", status.mem_parts);
    add("ficus_rows", "Rows of the open tables, in memory and in files.", status.rows);
    add("ficus_file_rows", "Rows in parts.", status.file_rows);
    add("ficus_file_bytes", "Bytes of parts and index runs.", status.file_bytes);
    add("ficus_mem_part_bytes", "Bytes of rows in memory.", status.memory_bytes);
    add("ficus_wal_bytes", "Bytes of the log's files.", status.log_bytes);
    add("ficus_damaged_files", "Files set aside because they are damaged.", status.damaged_files);
    add("ficus_parked_batches", "Batches that replay could not apply and kept aside.",
        status.parked_records);
    add("ficus_shard_parts_max", "Parts of the shard that has most.", status.most_parts_per_shard);
    add("ficus_read_only", "1 while the node takes no writes.",
        database.ReadOnly().has_value() ? 1 : 0);
  });
}

}  // namespace ficus
