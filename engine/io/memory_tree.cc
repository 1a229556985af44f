#include "engine/io/memory_tree.h"

#include <bit>
#include <functional>
#include <iterator>
#include <vector>

#include "engine/base/check.h"

namespace ficus {

MemoryTree::MemoryTree() { Add(kRootInode, true); }

MemoryNode* MemoryTree::Find(InodeId inode) {
  const auto found = nodes_.find(inode);
  return found == nodes_.end() ? nullptr : &found->second;
}

const MemoryNode* MemoryTree::Find(InodeId inode) const {
  const auto found = nodes_.find(inode);
  return found == nodes_.end() ? nullptr : &found->second;
}

MemoryNode& MemoryTree::Get(InodeId inode) {
  MemoryNode* node = Find(inode);
  CHECK(node != nullptr) << "inode " << inode;
  return *node;
}

const MemoryNode& MemoryTree::Get(InodeId inode) const {
  const MemoryNode* node = Find(inode);
  CHECK(node != nullptr) << "inode " << inode;
  return *node;
}

void MemoryTree::Add(InodeId inode, bool is_directory) {
  nodes_[inode].is_directory = is_directory;
}

InodeId MemoryTree::Named(InodeId directory, const std::string& name) const {
  const MemoryNode* node = Find(directory);
  if (node == nullptr) return 0;
  const auto found = node->names.find(name);
  return found == node->names.end() ? 0 : found->second;
}

std::map<InodeId, uint64_t> MemoryTree::CountNames() const {
  std::map<InodeId, uint64_t> counts{{kRootInode, 1}};
  std::vector<InodeId> directories{kRootInode};
  while (!directories.empty()) {
    const InodeId directory = directories.back();
    directories.pop_back();
    for (const auto& [name, inode] : Get(directory).names) {
      if (++counts[inode] == 1 && Get(inode).is_directory) directories.push_back(inode);
    }
  }
  return counts;
}

void MemoryTree::EraseUnreachable(const std::set<InodeId>& more) {
  std::set<InodeId> reached{kRootInode};
  std::vector<InodeId> waiting{kRootInode};
  for (const InodeId inode : more) {
    if (reached.insert(inode).second) waiting.push_back(inode);
  }
  while (!waiting.empty()) {
    const MemoryNode* node = Find(waiting.back());
    waiting.pop_back();
    if (node == nullptr) continue;
    for (const auto& [name, inode] : node->names) {
      if (reached.insert(inode).second) waiting.push_back(inode);
    }
  }
  for (auto node = nodes_.begin(); node != nodes_.end();) {
    node = reached.count(node->first) == 0 ? nodes_.erase(node) : std::next(node);
  }
}

uint64_t MemoryTree::Digest(std::string_view unread_suffix) const {
  const std::function<uint64_t(InodeId)> digest_of = [&](InodeId inode) -> uint64_t {
    const MemoryNode& node = Get(inode);
    if (!node.is_directory) return node.content.Digest() * 2;
    uint64_t digest = 1;
    for (const auto& [name, child] : node.names) {
      const bool unread = !unread_suffix.empty() && name.ends_with(unread_suffix);
      const uint64_t below = unread ? 0 : digest_of(child);
      const uint64_t part = std::hash<std::string>{}(name) ^ std::rotl(below, 32);
      digest = (std::rotl(digest, 17) ^ part) * 0x9e3779b97f4a7c15;
    }
    return digest;
  };
  return digest_of(kRootInode);
}

}  // namespace ficus
