#include "server/ctl/interrupts.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <pthread.h>

namespace ficus {
namespace {

std::atomic<int> came{0};

// Never destroyed: the waiting thread lives as long as the process.
std::stop_source& Source() {
  static auto* const source = new std::stop_source;
  return *source;
}

void WaitForSignals(sigset_t signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) == 0) {
    if (came.exchange(signal) != 0) std::_Exit(128 + signal);
    Source().request_stop();
  }
}

void StartWatching() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(WaitForSignals, signals).detach();
}

}  // namespace

std::stop_token WatchInterrupts() {
  static const bool watching = [] {
    StartWatching();
    return true;
  }();
  static_cast<void>(watching);
  return Source().get_token();
}

int InterruptSignal() { return came.load(); }

}  // namespace ficus
