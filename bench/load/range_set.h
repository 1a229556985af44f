// A set of numbers kept as ranges: cheap as long as its members are neighbours.
#pragma once

#include <cstdint>
#include <map>

namespace ficus::load {

class RangeSet {
 public:
  // Adds first, first + 1, ... `count` numbers; some may be members already.
  void Add(uint64_t first, uint64_t count);
  bool Contains(uint64_t number) const;
  // How many numbers.
  uint64_t size() const;
  // One more than the largest member; 0 when empty.
  uint64_t end() const { return ranges_.empty() ? 0 : ranges_.rbegin()->second; }
  // First to one past last; neither touches nor overlaps its neighbours.
  const std::map<uint64_t, uint64_t>& ranges() const { return ranges_; }

 private:
  std::map<uint64_t, uint64_t> ranges_;
};

}  // namespace ficus::load
