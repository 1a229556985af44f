// Waiting for what others do, where nothing tells when it is done.
#pragma once

#include <chrono>
#include <functional>

#include <poll.h>

namespace ficus {

// Looks until `done` says yes; false when that takes longer than `patience`.
inline bool WaitUntil(const std::function<bool()>& done,
                      std::chrono::seconds patience = std::chrono::seconds(300)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace ficus
