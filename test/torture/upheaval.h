// What goes on in a node besides reads and writes: groups come and go, snapshots and backups are
// taken, tables are flushed and merged, all in an order that a seed decides, by calls of the API.
//
// It remembers what was acknowledged about groups, and asks for it after the node is back.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/channel.h>

#include "engine/base/random.h"

namespace ficus {

class Upheaval {
 public:
  // `job` is a backup of the node's configuration.
  Upheaval(uint64_t seed, std::string job);
  ~Upheaval();
  Upheaval(const Upheaval&) = delete;
  Upheaval& operator=(const Upheaval&) = delete;

  // Calls a node until it is gone or End().
  void Begin(const std::string& address);
  void End();

  // Compares the groups of the node with what it acknowledged; "" when all is well, else the first
  // offence. Between End() and Begin().
  std::string Check(const std::string& address);

  // Calls that the node answered well.
  uint64_t calls() const { return calls_.load(); }

 private:
  // What is known about the existence of a group.
  enum class Group : uint8_t { kComing, kThere, kGoing, kGone };

  void Run();
  bool Call(uint64_t number);
  bool CreateGroup();
  bool DeleteGroup();
  bool TakeSnapshot();
  bool RunBackup();
  bool Flush();
  bool Merge();

  SeededRandom random_;
  const std::string job_;
  uint64_t groups_created_ = 0;
  std::map<std::string, Group> groups_;
  std::shared_ptr<grpc::Channel> channel_;
  std::thread thread_;
  std::atomic<bool> end_{false};
  std::atomic<uint64_t> calls_{0};
};

}  // namespace ficus
