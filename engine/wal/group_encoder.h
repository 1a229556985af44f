// Turns a group of batches into the bytes that one write puts at the end of a log file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/wal/log_format.h"

namespace ficus {

// One thread. Begin, Add..., Finish, and again; the buffer is kept from group to group.
class GroupEncoder {
 public:
  struct Start {
    FragmentPlace place;  // offset: a multiple of kGroupAlignment, at least kLogHeaderBytes
    uint32_t chain = 0;   // checksum of the fragment before
    LogPosition synced;   // everything up to it is durable
  };

  void Begin(const Start& start);
  void Add(LogPosition position, Scn scn, std::string_view payload);
  // A mark instead of batches: `last` is the last position written.
  void AddMark(LogPosition last, Scn scn);
  // The group, filled up with zeros to a multiple of kGroupAlignment; valid until Begin().
  std::string_view Finish();

  // Checksum of the last fragment.
  uint32_t chain() const { return start_.chain; }

 private:
  void AddFragment(FragmentHeader header, std::string_view payload);
  uint64_t offset() const { return start_.place.offset + buffer_.size(); }

  Start start_;
  std::string buffer_;
};

}  // namespace ficus
