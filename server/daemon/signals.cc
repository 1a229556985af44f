#include "server/daemon/signals.h"

#include <csignal>
#include <utility>

#include <pthread.h>
#include <signal.h>

#include "engine/base/log.h"
#include "engine/runtime/thread.h"

namespace ficus {
namespace {

sigset_t Heard() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  return signals;
}

}  // namespace

Result<std::unique_ptr<Signals>> Signals::Listen() {
  const sigset_t heard = Heard();
  ::pthread_sigmask(SIG_BLOCK, &heard, nullptr);
  std::unique_ptr<Signals> signals(new Signals);
  ASSIGN_OR_RETURN(signals->listener_,
                   StartThread("signals", [raw = signals.get()] { raw->Run(); }));
  return signals;
}

Signals::~Signals() {
  if (!listener_.joinable()) return;
  closing_ = true;
  // To this thread alone, which waits for nothing else.
  ::pthread_kill(listener_.native_handle(), SIGHUP);
  listener_.join();
}

void Signals::Run() {
  const sigset_t heard = Heard();
  for (;;) {
    int signal = 0;
    if (::sigwait(&heard, &signal) != 0) continue;
    if (closing_) return;
    Take(signal);
  }
}

void Signals::Take(int signal) {
  if (signal == SIGHUP) {
    MutexLock lock(mutex_);
    hangup_ = true;
    came_.NotifyAll();
    return;
  }
  if (!stop_.request_stop()) return;
  LogInfo("daemon.signal", "{}: stopping", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  MutexLock lock(mutex_);
  end_ = signal;
  came_.NotifyAll();
}

int Signals::Wait() {
  MutexLock lock(mutex_);
  while (end_ == 0 && !hangup_) came_.Wait(lock);
  if (end_ != 0) return end_;
  hangup_ = false;
  return SIGHUP;
}

}  // namespace ficus
