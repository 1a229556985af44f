// The inodes of a file system in memory: one view of them, as a process or as the device sees them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/io/memory_content.h"

namespace ficus {

using InodeId = uint64_t;
inline constexpr InodeId kRootInode = 1;

struct MemoryNode {
  bool is_directory = false;
  MemoryContent content;                              // of a file
  std::map<std::string, InodeId, std::less<>> names;  // of a directory
};

// Cheap to copy: contents share their pages.
class MemoryTree {
 public:
  // Holds an empty root.
  MemoryTree();

  // Null when there is none.
  MemoryNode* Find(InodeId inode);
  const MemoryNode* Find(InodeId inode) const;
  // Must exist.
  MemoryNode& Get(InodeId inode);
  const MemoryNode& Get(InodeId inode) const;

  void Add(InodeId inode, bool is_directory);
  void Erase(InodeId inode) { nodes_.erase(inode); }

  // The inode behind a name; 0 when there is none.
  InodeId Named(InodeId directory, const std::string& name) const;

  // How many names refer to each inode that can be reached from the root; the root counts one.
  std::map<InodeId, uint64_t> CountNames() const;

  // Erases what cannot be reached from the root or from `more`.
  void EraseUnreachable(const std::set<InodeId>& more);

  // Of all names and contents that can be reached from the root, but for the contents of files
  // whose name ends with `unread_suffix` (when it is not empty); inode numbers do not count.
  uint64_t Digest(std::string_view unread_suffix) const;

  const std::map<InodeId, MemoryNode>& nodes() const { return nodes_; }

 private:
  std::map<InodeId, MemoryNode> nodes_;
};

}  // namespace ficus
