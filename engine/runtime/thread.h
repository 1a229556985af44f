// Threads that the system may refuse: a limit of the service, of its user or of the machine. A node
// that serves does not end for that.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/result.h"

namespace ficus {

// Runs `body` on a thread of its own. kResourceExhausted where there is none; `what` is for people:
// "a backup run".
template <typename Body>
Result<std::jthread> StartThread(std::string_view what, Body&& body) {
  try {
    return std::jthread(std::forward<Body>(body));
  } catch (const std::system_error& refused) {
    return Error{ErrorCode::kResourceExhausted,
                 "start the thread of " + std::string(what) + ": " + refused.what()};
  }
}

// Runs `body` on `count` threads, the caller's being one, and returns when all have returned. Where
// the system has fewer, those there are do the work: `body` takes from what is left of it until
// nothing is.
template <typename Body>
void RunOnThreads(std::string_view what, size_t count, const Body& body) {
  std::vector<std::jthread> helpers;
  helpers.reserve(count);
  while (helpers.size() + 1 < count) {
    Result<std::jthread> helper = StartThread(what, [&body] { body(); });
    if (!helper) {
      LogWarn("runtime.no_thread", "{} of {} threads: {}", helpers.size() + 1, count,
              helper.error().message);
      break;
    }
    helpers.push_back(*std::move(helper));
  }
  body();
}

}  // namespace ficus
