// Keeps an authenticator's users as their file has them.
#pragma once

#include <string>
#include <vector>

#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "server/security/authenticator.h"
#include "server/security/user_file.h"

namespace ficus {

// A file that cannot be used changes nothing: the users before stay, one log line per problem and
// ficus_auth_last_reload_success tell. All members: any thread; Refresh blocks on the disk.
class UserSource {
 public:
  // `path` held `users` when it was read; `authenticator` and `registry` outlive the source.
  UserSource(std::string path, const std::vector<User>& users, Authenticator& authenticator,
             MetricRegistry& registry);

  // Reads the file again. The error says why the users before stay.
  Result<> Refresh();

  // From here on this file, which held `users` when it was read.
  void Replace(std::string path, const std::vector<User>& users);

 private:
  void Publish(const std::vector<User>& users) REQUIRES(mutex_);

  Authenticator& authenticator_;
  Gauge& last_success_;
  Counter& failures_;

  Mutex mutex_;
  std::string path_ GUARDED_BY(mutex_);
  std::string problem_ GUARDED_BY(mutex_);  // of the last Refresh; empty: it went well
};

}  // namespace ficus
