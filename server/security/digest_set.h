// A bounded set of digests: the oldest one goes when a new one finds it full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <unordered_set>

#include "server/security/keyed_digest.h"

namespace ficus {

// Not thread-safe.
class DigestSet {
 public:
  explicit DigestSet(size_t size_max) : size_max_(size_max) {}

  bool Has(const Digest& digest) const { return set_.count(digest) != 0; }
  void Add(const Digest& digest) {
    if (!set_.insert(digest).second) return;
    order_.push_back(digest);
    if (order_.size() <= size_max_) return;
    set_.erase(order_.front());
    order_.pop_front();
  }
  void Clear() {
    set_.clear();
    order_.clear();
  }
  size_t size() const { return order_.size(); }

 private:
  // Digests are as good as random.
  struct Hash {
    size_t operator()(const Digest& digest) const {
      size_t hash = 0;
      std::memcpy(&hash, digest.data(), sizeof hash);
      return hash;
    }
  };

  const size_t size_max_;
  std::unordered_set<Digest, Hash> set_;
  std::deque<Digest> order_;
};

}  // namespace ficus
