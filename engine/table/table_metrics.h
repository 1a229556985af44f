// What the tables of a node count together.
#pragma once

#include "engine/base/metrics.h"

namespace ficus {

struct TableMetrics {
  explicit TableMetrics(MetricRegistry& registry)
      : flushes(registry.AddCounter("ficus_flushes_total", "Flushes that became durable.")),
        flush_bytes(registry.AddCounter("ficus_flush_bytes_total", "Bytes of flushed parts.")),
        flush_rows(registry.AddCounter("ficus_flush_rows_total", "Rows of flushed parts.")),
        flush_failures(registry.AddCounter("ficus_flush_failures_total", "Flushes that failed.")),
        flush_seconds(
            registry.AddHistogram("ficus_flush_seconds", "Time of a flush.", LatencyBounds())),
        merges(registry.AddCounter("ficus_merges_total", "Merges of parts that became durable.")),
        merge_bytes(registry.AddCounter("ficus_merge_bytes_total", "Bytes written by merges.")),
        merge_failures(registry.AddCounter("ficus_merge_failures_total", "Merges that failed.")),
        merge_seconds(
            registry.AddHistogram("ficus_merge_seconds", "Time of a merge.", LatencyBounds())),
        blocks_copied(registry.AddCounter("ficus_merge_blocks_copied_total",
                                          "Blocks that merges copied byte for byte.")),
        blocks_rewritten(registry.AddCounter("ficus_merge_blocks_rewritten_total",
                                             "Blocks that merges encoded again.")),
        quarantined(registry.AddCounter("ficus_quarantined_files_total",
                                        "Parts and runs set aside because they are damaged.")),
        late(registry.AddCounter("ficus_late_files_total",
                                 "Parts and runs that could not be opened with their table.")) {}

  Counter& flushes;
  Counter& flush_bytes;
  Counter& flush_rows;
  Counter& flush_failures;
  Histogram& flush_seconds;
  Counter& merges;
  Counter& merge_bytes;
  Counter& merge_failures;
  Histogram& merge_seconds;
  Counter& blocks_copied;
  Counter& blocks_rewritten;
  Counter& quarantined;
  Counter& late;
};

}  // namespace ficus
