// Opens a node and asks it to stop while an operation of its disks stands still.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "engine/io/faulty_file_system.h"
#include "test/engine/database/database_harness.h"

namespace ficus {

struct StoppedOpen {
  bool stopped = false;  // false: the operation did not come
  Result<> opened = Ok();
};

// `rules`: the first one says where the opening stands still; the others hold meanwhile. Both disks
// obey each of them by itself. Afterwards the node is closed and has its disks back.
inline StoppedOpen OpenStoppedAt(DatabaseHarness& node, std::vector<FaultRule> rules) {
  rules.front().stall = true;
  rules.front().error_number = 0;
  auto fs = FaultyFileSystem::Create(node.fs());
  auto log_fs = FaultyFileSystem::Create(node.log_fs());
  FaultyFileSystem* const disks[] = {fs.get(), log_fs.get()};
  for (FaultyFileSystem* disk : disks) {
    for (const FaultRule& rule : rules) disk->AddRule(rule);
  }
  node.UseWrapped(std::move(fs), std::move(log_fs));
  std::stop_source stop;
  node.options().stop = stop.get_token();
  StoppedOpen outcome;
  {
    std::atomic<bool> done{false};
    const std::jthread opener([&] {
      outcome.opened = node.Open();
      done = true;
    });
    while (!done && disks[0]->stalled() + disks[1]->stalled() == 0) std::this_thread::yield();
    outcome.stopped = !done;
    stop.request_stop();
    for (FaultyFileSystem* disk : disks) {
      if (disk->stalled() == 0) disk->ClearRules();
    }
    for (FaultyFileSystem* disk : disks) disk->Release();
  }
  node.Kill();
  node.UseWrapped(nullptr, nullptr);
  node.options().stop = {};
  return outcome;
}

}  // namespace ficus
