// The upkeep of a database, as the admin service asks for it.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "engine/database/database.h"
#include "server/rpc/admin_setup.h"

namespace ficus {

// `database` outlives it.
class DatabaseUpkeep final : public NodeUpkeep {
 public:
  explicit DatabaseUpkeep(Database& database) : database_(database) {}

  void FlushAll(Done done) override { database_.FlushAll(std::move(done)); }
  void MergeAll(Done done) override { database_.MergeAll(std::move(done)); }
  void ConfirmClock() override { database_.ConfirmClock(); }
  Result<std::vector<SnapshotSummary>> ListSnapshots() override {
    return database_.ListSnapshots();
  }
  Result<> DeleteSnapshot(std::string_view id) override { return database_.DeleteSnapshot(id); }
  Result<SnapshotVerification> VerifySnapshot(std::string_view id,
                                              const std::stop_token& stop) override {
    return database_.VerifySnapshot(id, stop);
  }

 private:
  Database& database_;
};

}  // namespace ficus
