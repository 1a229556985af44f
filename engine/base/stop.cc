#include "engine/base/stop.h"

#include <cstdlib>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"

namespace ficus {
namespace {

struct State {
  Mutex mutex;
  std::function<void(std::string_view)> handler GUARDED_BY(mutex);
};

State& TheState() {
  static State* const state = new State;
  return *state;
}

}  // namespace

void StopProcess(std::string_view reason) {
  LogError("process.stop", "stopping to protect data: {}", reason);
  FlushLog();
  std::function<void(std::string_view)> handler;
  {
    MutexLock lock(TheState().mutex);
    handler = TheState().handler;
  }
  if (handler) handler(reason);
  std::abort();
}

StopHandler::StopHandler(std::function<void(std::string_view)> handler) {
  MutexLock lock(TheState().mutex);
  CHECK(!TheState().handler) << "a second StopHandler";
  TheState().handler = std::move(handler);
}

StopHandler::~StopHandler() {
  MutexLock lock(TheState().mutex);
  TheState().handler = nullptr;
}

}  // namespace ficus
