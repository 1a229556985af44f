// Whether the process is alive and ready, and if not, why. HTTP probes and the gRPC health service
// both read it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/mutex.h"

namespace ficus {

enum class HealthLevel {
  kDegraded,  // serves, but a person should know: the disk is nearly full
  kNotReady,  // does not serve at present: the log is being replayed
  kNotAlive,  // will not recover by itself and should be restarted: a disk does not answer
};

// "degraded", "not ready", "not alive"
std::string_view HealthLevelName(HealthLevel level);

struct HealthProblem {
  std::string component;
  HealthLevel level = HealthLevel::kNotReady;
  std::string reason;

  friend bool operator==(const HealthProblem&, const HealthProblem&) = default;
};

struct HealthReport {
  std::vector<HealthProblem> problems;  // by component

  bool alive() const;
  // Alive, and nothing says kNotReady.
  bool ready() const;

  friend bool operator==(const HealthReport&, const HealthReport&) = default;
};

// What each component says about itself. Starts not ready: component "start" says "starting" until
// whoever builds the process clears it.
//
// All members: any thread, except that a listener must not call Set, Clear or Listen. Outlives the
// handles that Listen gave.
class Health {
 public:
  Health();

  // Replaces what `component` said before.
  void Set(std::string_view component, HealthLevel level, std::string_view reason);
  // `component` has no problem any more.
  void Clear(std::string_view component);

  HealthReport Report() const;

  // Calls `listener` at once, and again after each change, one call at a time, in order. Once the
  // handle is gone the listener neither runs nor will run again.
  using Listener = std::function<void(const HealthReport&)>;
  std::shared_ptr<void> Listen(Listener listener);

 private:
  HealthReport ReportLocked() const REQUIRES(mutex_);
  void Tell() REQUIRES(telling_);

  // Held while listeners run, so that none sees an old report after a new one. Taken before mutex_.
  Mutex telling_;
  std::map<int, Listener> listeners_ GUARDED_BY(telling_);
  int next_listener_ GUARDED_BY(telling_) = 0;
  HealthReport told_ GUARDED_BY(telling_);

  mutable Mutex mutex_;
  std::map<std::string, HealthProblem, std::less<>> problems_ GUARDED_BY(mutex_);
};

}  // namespace ficus
