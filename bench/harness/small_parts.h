// A database of many small parts that are left as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/harness/engine.h"

namespace ficus::bench {

class SmallParts {
 public:
  static constexpr uint32_t kShards = 10;

  // Parts lie in the ten shards of each of the last `days` days.
  SmallParts(std::string folder, int64_t days)
      : folder_(std::move(folder)), days_(days), engine_(Open(folder_)) {}

  Engine& engine() { return *engine_; }
  size_t shards() const { return static_cast<size_t>(days_) * kShards; }

  // Rows for every shard, not flushed.
  void Write(size_t rows_per_shard);
  // A part in every shard.
  void AddParts(size_t rows_per_shard) {
    Write(rows_per_shard);
    engine_->Flush();
  }
  void Close() { engine_.reset(); }
  void Reopen() { engine_ = Open(folder_); }
  uint64_t rows() const { return rows_; }

 private:
  static std::unique_ptr<Engine> Open(const std::string& folder) {
    return std::make_unique<Engine>(folder,
                                    EngineOptions{.shards = kShards, .housekeeping = false});
  }

  const std::string folder_;
  const int64_t days_;
  const UnixNanos newest_ = SystemClock().Now();
  int64_t version_ = 0;
  uint64_t rows_ = 0;
  std::unique_ptr<Engine> engine_;
};

}  // namespace ficus::bench
