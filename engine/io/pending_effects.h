// What a process has done to its files and the device may not have kept yet: the crash model of
// MemoryFileSystem.
//
// Data: each write is cut into pieces at multiples of the piece size; any subset of the pieces may
// be found after a crash, in any order. Names: a change of a directory is one effect; it survives
// only if the source of a rename does, and a rename is never half done inside one directory.
// Between two directories the new name becomes durable with its directory and the old one goes with
// its own; a directory moves as a whole, since it can have only one name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/memory_file_system.h"
#include "engine/io/memory_tree.h"

namespace ficus {

struct PendingEffect {
  enum class Kind : uint8_t { kData, kResize, kLinkName, kUnlinkName, kRename };

  Kind kind = Kind::kData;
  InodeId inode = 0;  // the file changed, or the inode whose name changes

  // kData: `length` bytes of *data from `begin`, at `offset`. kResize: the new size is `offset`.
  uint64_t offset = 0;
  std::shared_ptr<const std::string> data;
  size_t begin = 0;
  size_t length = 0;

  // kLinkName, kUnlinkName: `directory` and `name`. kRename: to them, from the others.
  InodeId directory = 0;
  std::string name;
  InodeId from_directory = 0;
  std::string from_name;

  bool lost = false;       // a sync that should have covered it failed
  bool journaled = false;  // a later effect is durable: a journal has kept this one, too
  bool to_done = false;    // kRename: the new name is durable, the old one not yet gone

  bool IsName() const { return kind != Kind::kData && kind != Kind::kResize; }
  std::string_view Bytes() const { return std::string_view(*data).substr(begin, length); }
};

// One thread at a time.
class PendingEffects {
 public:
  using Tear = MemoryFileSystem::Tear;
  using NameOrder = MemoryFileSystem::NameOrder;

  void AddData(InodeId inode, uint64_t offset, std::string_view bytes, uint64_t piece_bytes);
  void AddResize(InodeId inode, uint64_t size);
  void AddLink(InodeId directory, std::string_view name, InodeId inode);
  void AddUnlink(InodeId directory, std::string_view name, InodeId inode);
  void AddRename(InodeId from_directory, std::string_view from_name, InodeId directory,
                 std::string_view name, InodeId inode);

  // Moves what the sync covers to `durable`.
  void SyncFile(InodeId inode, MemoryTree& durable);
  void SyncDirectory(InodeId directory, MemoryTree& durable);

  // What a failed sync leaves behind.
  void LoseFile(InodeId inode);
  void LoseDirectory(InodeId directory);

  // Forgets what was written to files that no name can bring back.
  void DropDead(const MemoryTree& seen, const MemoryTree& durable);

  const std::vector<PendingEffect>& effects() const { return effects_; }
  std::set<InodeId> Inodes() const;

  // Whether a crash under `order` can keep exactly these.
  bool IsLegal(const std::vector<bool>& keep, NameOrder order) const;
  // The effect of number `index` as a crash leaves it.
  void ApplyTorn(size_t index, Tear tear, MemoryTree& durable) const;

 private:
  // Takes the bytes [offset, offset + length) out of the lost pieces of `inode`: newer bytes are
  // durable there.
  void DropLostBytes(InodeId inode, uint64_t offset, size_t length);
  void DropLostNames(InodeId directory, const std::string& name, size_t before);
  bool SyncName(PendingEffect& effect, InodeId directory, MemoryTree& durable);

  std::vector<PendingEffect> effects_;
};

}  // namespace ficus
