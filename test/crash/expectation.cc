#include "test/crash/expectation.h"

#include <functional>

#include <fmt/core.h>

namespace ficus {

std::string Expectation::ToString() const {
  std::string text;
  for (const World& world : worlds) text += " " + world.ToString() + ";";
  for (const auto& [id, held] : snapshots) {
    text += fmt::format(" snapshot {} of", id);
    for (const World& world : held) text += " " + world.ToString() + ";";
  }
  if (!taking.empty()) text += " a snapshot of";
  for (const World& world : taking) text += " " + world.ToString() + ";";
  return text;
}

uint64_t Expectation::Digest() const {
  std::string given;
  for (const auto& [shard, numbers_of] : numbers) {
    given += fmt::format("{} {} {}", shard, numbers_of.epoch.value(), numbers_of.next_file.value());
    for (const auto& [name, checksum] : numbers_of.files)
      given += fmt::format("{}{}", name, checksum);
  }
  return std::hash<std::string>{}(ToString() + given) * 31 + (accepts_log_loss ? 1 : 0);
}

}  // namespace ficus
