// Decides which operations fail: the rules of a FaultyFileSystem and what they have done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/io/faulty_file_system.h"

namespace ficus {

struct Fault {
  int error_number = 0;
  bool short_transfer = false;
  bool kill = false;  // behind the short transfer
};

// As kill -9.
[[noreturn]] void KillThisProcess();

// All members: any thread.
class FaultInjector {
 public:
  // The fault of this operation, if it has one; waits where a rule says so. EINTR and EAGAIN are
  // repeated here.
  std::optional<Fault> Next(IoOp op, std::optional<FileClass> file_class, std::string_view path);

  // Counts `operations` at once when there are no rules; false, and counts nothing, when there are.
  bool PassAll(uint64_t operations);

  void AddRule(FaultRule rule);
  void ClearRules();
  void Release();
  size_t stalled() const;
  uint64_t operations() const;
  uint64_t faults() const;

 private:
  std::optional<Fault> NextOnce(IoOp op, std::optional<FileClass> file_class,
                                std::string_view path);
  FaultRule* Due(IoOp op, std::optional<FileClass> file_class, std::string_view path)
      REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar released_;
  std::vector<FaultRule> rules_ GUARDED_BY(mutex_);
  uint64_t releases_ GUARDED_BY(mutex_) = 0;
  size_t stalled_ GUARDED_BY(mutex_) = 0;
  uint64_t operations_ GUARDED_BY(mutex_) = 0;
  uint64_t faults_ GUARDED_BY(mutex_) = 0;
};

}  // namespace ficus
