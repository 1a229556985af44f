#include "engine/io/pending_effects.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

using Kind = PendingEffect::Kind;

// Takes the name away if it still means that inode.
void Unname(MemoryTree& tree, InodeId directory, const std::string& name, InodeId inode) {
  if (tree.Named(directory, name) == inode) tree.Get(directory).names.erase(name);
}

void Name(MemoryTree& tree, InodeId directory, const std::string& name, InodeId inode) {
  if (MemoryNode* node = tree.Find(directory); node != nullptr) node->names[name] = inode;
}

// Bytes that nobody wrote: the same for the same place, so that a run can be repeated.
std::string Garbage(InodeId inode, uint64_t offset, size_t length) {
  SeededRandom random(inode * 0x9e3779b97f4a7c15U ^ offset);
  std::string bytes(length, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next() >> 56U);
  return bytes;
}

void ApplyData(const PendingEffect& effect, MemoryFileSystem::Tear tear, MemoryContent& content) {
  using Tear = MemoryFileSystem::Tear;
  switch (tear) {
    case Tear::kWritten:
      content.Write(effect.offset, effect.Bytes());
      return;
    case Tear::kOld:
      return;
    case Tear::kZeros:
      content.Write(effect.offset, std::string(effect.length, '\0'));
      return;
    case Tear::kGarbage:
      content.Write(effect.offset, Garbage(effect.inode, effect.offset, effect.length));
      return;
    case Tear::kSizeOnly:
      content.Resize(std::max(content.size(), effect.offset + effect.length));
      return;
  }
}

}  // namespace

void PendingEffects::AddData(InodeId inode, uint64_t offset, std::string_view bytes,
                             uint64_t piece_bytes) {
  const auto data = std::make_shared<const std::string>(bytes);
  for (size_t begin = 0; begin < bytes.size();) {
    const uint64_t at = offset + begin;
    const auto length = std::min<uint64_t>(bytes.size() - begin, piece_bytes - at % piece_bytes);
    PendingEffect effect;
    effect.inode = inode;
    effect.offset = at;
    effect.data = data;
    effect.begin = begin;
    effect.length = length;
    effects_.push_back(std::move(effect));
    begin += length;
  }
}

void PendingEffects::AddResize(InodeId inode, uint64_t size) {
  PendingEffect effect;
  effect.kind = Kind::kResize;
  effect.inode = inode;
  effect.offset = size;
  effects_.push_back(std::move(effect));
}

void PendingEffects::AddLink(InodeId directory, std::string_view name, InodeId inode) {
  PendingEffect effect;
  effect.kind = Kind::kLinkName;
  effect.inode = inode;
  effect.directory = directory;
  effect.name = name;
  effects_.push_back(std::move(effect));
}

void PendingEffects::AddUnlink(InodeId directory, std::string_view name, InodeId inode) {
  AddLink(directory, name, inode);
  effects_.back().kind = Kind::kUnlinkName;
}

void PendingEffects::AddRename(InodeId from_directory, std::string_view from_name,
                               InodeId directory, std::string_view name, InodeId inode) {
  AddLink(directory, name, inode);
  effects_.back().kind = Kind::kRename;
  effects_.back().from_directory = from_directory;
  effects_.back().from_name = from_name;
}

void PendingEffects::SyncFile(InodeId inode, MemoryTree& durable) {
  const auto covered = [inode](const PendingEffect& effect) {
    return effect.inode == inode && !effect.IsName() && !effect.lost;
  };
  const bool some_lost = std::any_of(effects_.begin(), effects_.end(), [inode](const auto& effect) {
    return effect.inode == inode && !effect.IsName() && effect.lost;
  });
  MemoryContent& content = durable.Get(inode).content;
  std::vector<std::pair<uint64_t, size_t>> written;
  for (const PendingEffect& effect : effects_) {
    if (!covered(effect)) continue;
    if (effect.kind == Kind::kResize) {
      content.Resize(effect.offset);
    } else {
      content.Write(effect.offset, effect.Bytes());
      if (some_lost) written.emplace_back(effect.offset, effect.length);
    }
  }
  effects_.erase(std::remove_if(effects_.begin(), effects_.end(), covered), effects_.end());
  for (const auto& [offset, length] : written) DropLostBytes(inode, offset, length);
}

void PendingEffects::DropLostBytes(InodeId inode, uint64_t offset, size_t length) {
  const uint64_t end = offset + length;
  std::vector<PendingEffect> kept;
  for (PendingEffect& effect : effects_) {
    const uint64_t effect_end = effect.offset + effect.length;
    if (effect.kind != Kind::kData || effect.inode != inode || !effect.lost ||
        effect.offset >= end || offset >= effect_end) {
      kept.push_back(std::move(effect));
      continue;
    }
    if (effect.offset < offset) {
      kept.push_back(effect);
      kept.back().length = static_cast<size_t>(offset - effect.offset);
    }
    if (effect_end > end) {
      kept.push_back(effect);
      kept.back().begin += static_cast<size_t>(end - effect.offset);
      kept.back().length = static_cast<size_t>(effect_end - end);
      kept.back().offset = end;
    }
  }
  effects_ = std::move(kept);
}

void PendingEffects::SyncDirectory(InodeId directory, MemoryTree& durable) {
  for (PendingEffect& effect : effects_) {
    if (effect.IsName() && !effect.lost) effect.journaled = true;
  }
  for (size_t i = 0; i < effects_.size();) {
    PendingEffect& effect = effects_[i];
    const bool covered = effect.IsName() && !effect.lost;
    if (!covered || !SyncName(effect, directory, durable)) {
      ++i;
      continue;
    }
    const PendingEffect done = std::move(effect);
    effects_.erase(effects_.begin() + static_cast<ptrdiff_t>(i));
    const size_t before = effects_.size();
    DropLostNames(done.directory, done.name, i);
    i -= before - effects_.size();
    if (done.kind == Kind::kRename && durable.Get(done.inode).is_directory) {
      // It has moved: how it came to its old name no longer matters.
      const auto end = effects_.begin() + static_cast<ptrdiff_t>(i);
      const auto moved = std::remove_if(effects_.begin(), end, [&done](const auto& earlier) {
        return earlier.IsName() && earlier.inode == done.inode;
      });
      i = static_cast<size_t>(moved - effects_.begin());
      effects_.erase(moved, end);
    }
  }
}

// Whether nothing of the effect is left to be done.
bool PendingEffects::SyncName(PendingEffect& effect, InodeId directory, MemoryTree& durable) {
  switch (effect.kind) {
    case Kind::kLinkName:
      if (effect.directory != directory) return false;
      Name(durable, effect.directory, effect.name, effect.inode);
      return true;
    case Kind::kUnlinkName:
      if (effect.directory != directory) return false;
      Unname(durable, effect.directory, effect.name, effect.inode);
      return true;
    case Kind::kRename:
      break;
    default:
      return false;
  }
  if (effect.directory == directory && !effect.to_done) {
    Name(durable, effect.directory, effect.name, effect.inode);
    effect.to_done = true;
    const bool whole = effect.from_directory == directory || durable.Get(effect.inode).is_directory;
    if (!whole) return false;
    Unname(durable, effect.from_directory, effect.from_name, effect.inode);
    return true;
  }
  if (effect.from_directory != directory || !effect.to_done) return false;
  Unname(durable, effect.from_directory, effect.from_name, effect.inode);
  return true;
}

void PendingEffects::DropLostNames(InodeId directory, const std::string& name, size_t before) {
  const auto end = effects_.begin() + static_cast<ptrdiff_t>(before);
  const auto kept = std::remove_if(effects_.begin(), end, [&](const PendingEffect& effect) {
    return effect.IsName() && effect.lost && effect.directory == directory && effect.name == name;
  });
  effects_.erase(kept, end);
}

void PendingEffects::LoseFile(InodeId inode) {
  for (PendingEffect& effect : effects_) {
    if (effect.inode == inode && !effect.IsName()) effect.lost = true;
  }
}

void PendingEffects::LoseDirectory(InodeId directory) {
  for (PendingEffect& effect : effects_) {
    const bool inside = effect.directory == directory || effect.from_directory == directory;
    if (effect.IsName() && inside) effect.lost = true;
  }
}

void PendingEffects::DropDead(const MemoryTree& seen, const MemoryTree& durable) {
  std::set<InodeId> dead;
  for (const PendingEffect& effect : effects_) {
    if (!effect.IsName() && seen.Find(effect.inode) == nullptr) dead.insert(effect.inode);
  }
  if (dead.empty()) return;
  for (const PendingEffect& effect : effects_) {
    if (effect.IsName()) dead.erase(effect.inode);
  }
  for (const auto& [inode, node] : durable.nodes()) {
    for (const auto& [name, child] : node.names) dead.erase(child);
  }
  const auto kept = std::remove_if(effects_.begin(), effects_.end(), [&dead](const auto& effect) {
    return dead.count(effect.inode) != 0;
  });
  effects_.erase(kept, effects_.end());
}

std::set<InodeId> PendingEffects::Inodes() const {
  std::set<InodeId> inodes;
  for (const PendingEffect& effect : effects_) {
    inodes.insert(effect.inode);
    if (effect.directory != 0) inodes.insert(effect.directory);
    if (effect.from_directory != 0) inodes.insert(effect.from_directory);
  }
  return inodes;
}

bool PendingEffects::IsLegal(const std::vector<bool>& keep, NameOrder order) const {
  CHECK(keep.size() == effects_.size()) << keep.size() << " of " << effects_.size();
  if (order == NameOrder::kWeak) return true;
  bool dropped = false;
  for (size_t i = 0; i < effects_.size(); ++i) {
    if (!effects_[i].IsName()) continue;
    if (keep[i] && dropped) return false;
    dropped = dropped || !keep[i];
    if (!keep[i] && effects_[i].journaled) return false;
  }
  return true;
}

void PendingEffects::ApplyTorn(size_t index, Tear tear, MemoryTree& durable) const {
  const PendingEffect& effect = effects_[index];
  switch (effect.kind) {
    case Kind::kData:
      ApplyData(effect, tear, durable.Get(effect.inode).content);
      return;
    case Kind::kResize:
      durable.Get(effect.inode).content.Resize(effect.offset);
      return;
    case Kind::kLinkName:
      Name(durable, effect.directory, effect.name, effect.inode);
      return;
    case Kind::kUnlinkName:
      Unname(durable, effect.directory, effect.name, effect.inode);
      return;
    case Kind::kRename:
      if (durable.Named(effect.from_directory, effect.from_name) != effect.inode) return;
      Unname(durable, effect.from_directory, effect.from_name, effect.inode);
      if (!effect.to_done) Name(durable, effect.directory, effect.name, effect.inode);
      return;
  }
}

}  // namespace ficus
