#include "engine/io/fault_injector.h"

#include <cerrno>
#include <utility>

#include <signal.h>
#include <unistd.h>

#include "engine/io/transfer.h"

namespace ficus {
namespace {

bool Matches(const FaultRule& rule, IoOp op, std::optional<FileClass> file_class,
             std::string_view path) {
  if (rule.op.has_value() && rule.op != op) return false;
  if (rule.file_class.has_value() && rule.file_class != file_class) return false;
  return path.find(rule.path_contains) != std::string_view::npos;
}

}  // namespace

void KillThisProcess() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

std::optional<Fault> FaultInjector::Next(IoOp op, std::optional<FileClass> file_class,
                                         std::string_view path) {
  std::optional<Fault> fault;
  for (int i = 0; i < Transfer::kTriesMax; ++i) {
    fault = NextOnce(op, file_class, path);
    const bool passing = fault && (fault->error_number == EINTR || fault->error_number == EAGAIN);
    if (!passing) return fault;
  }
  return fault;
}

std::optional<Fault> FaultInjector::NextOnce(IoOp op, std::optional<FileClass> file_class,
                                             std::string_view path) {
  MutexLock lock(mutex_);
  ++operations_;
  FaultRule* rule = Due(op, file_class, path);
  if (rule == nullptr) return std::nullopt;
  ++faults_;
  if (rule->times != UINT64_MAX) --rule->times;
  const bool half = rule->short_transfer && op == IoOp::kWrite;
  if (rule->kill && !half) KillThisProcess();
  const Fault fault{rule->error_number, rule->short_transfer, rule->kill};
  if (rule->stall) {
    ++stalled_;
    for (const uint64_t before = releases_; releases_ == before;) released_.Wait(lock);
    --stalled_;
  }
  return fault;
}

FaultRule* FaultInjector::Due(IoOp op, std::optional<FileClass> file_class, std::string_view path) {
  for (FaultRule& rule : rules_) {
    if (rule.times == 0 || !Matches(rule, op, file_class, path)) continue;
    if (rule.skip == 0) return &rule;
    --rule.skip;
  }
  return nullptr;
}

bool FaultInjector::PassAll(uint64_t operations) {
  MutexLock lock(mutex_);
  if (!rules_.empty()) return false;
  operations_ += operations;
  return true;
}

void FaultInjector::AddRule(FaultRule rule) {
  MutexLock lock(mutex_);
  rules_.push_back(std::move(rule));
}

void FaultInjector::ClearRules() {
  MutexLock lock(mutex_);
  rules_.clear();
}

void FaultInjector::Release() {
  MutexLock lock(mutex_);
  ++releases_;
  released_.NotifyAll();
}

size_t FaultInjector::stalled() const {
  MutexLock lock(mutex_);
  return stalled_;
}

uint64_t FaultInjector::operations() const {
  MutexLock lock(mutex_);
  return operations_;
}

uint64_t FaultInjector::faults() const {
  MutexLock lock(mutex_);
  return faults_;
}

}  // namespace ficus
