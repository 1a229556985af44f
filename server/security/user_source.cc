#include "server/security/user_source.h"

#include <utility>

#include "engine/base/log.h"

namespace ficus {

UserSource::UserSource(std::string path, const std::vector<User>& users,
                       Authenticator& authenticator, MetricRegistry& registry)
    : authenticator_(authenticator),
      last_success_(registry.AddGauge("ficus_auth_last_reload_success",
                                      "0 while the file of users cannot be used and the users "
                                      "before stay.")),
      failures_(registry.AddCounter("ficus_auth_reload_failures_total",
                                    "Times the file of users could not be used.")) {
  Replace(std::move(path), users);
}

Result<> UserSource::Refresh() {
  std::string path;
  {
    MutexLock lock(mutex_);
    path = path_;
  }
  const Result<std::vector<User>> users = ReadUsers(path);
  MutexLock lock(mutex_);
  if (path != path_) return Ok();  // replaced meanwhile
  if (users.has_value()) {
    Publish(*users);
    return Ok();
  }
  last_success_.Set(0);
  failures_.Add();
  if (problem_ != users.error().message) {
    problem_ = users.error().message;
    LogError("auth.reload_failed", "{}; the users before stay", problem_);
  }
  return users.error();
}

void UserSource::Replace(std::string path, const std::vector<User>& users) {
  MutexLock lock(mutex_);
  path_ = std::move(path);
  Publish(users);
}

void UserSource::Publish(const std::vector<User>& users) {
  problem_.clear();
  last_success_.Set(1);
  if (authenticator_.SetUsers(users)) {
    LogInfo("auth.users", "{} users of {} may sign in", users.size(), path_);
  }
}

}  // namespace ficus
