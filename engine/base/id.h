// Id<Tag>: an integer with a meaning, so that a shard number cannot be passed where a series id is
// wanted.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace ficus {

template <typename Tag, typename Int = uint64_t>
class Id {
 public:
  using Integer = Int;

  constexpr Id() = default;
  constexpr explicit Id(Int value) : value_(value) {}

  constexpr Int value() const { return value_; }
  constexpr Id Next() const { return Id(static_cast<Int>(value_ + 1)); }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << +id.value_; }

 private:
  Int value_ = 0;
};

// Sixteen lower-case hex digits: how ids and file numbers are written in names and messages.
std::string Hex16(uint64_t value);
template <typename Tag>
std::string Hex16(Id<Tag, uint64_t> id) {
  return Hex16(id.value());
}

// Parses exactly sixteen lower-case hex digits; false for anything else.
bool ParseHex16(std::string_view text, uint64_t& value);

}  // namespace ficus

template <typename Tag, typename Int>
struct std::hash<ficus::Id<Tag, Int>> {
  size_t operator()(const ficus::Id<Tag, Int>& id) const noexcept {
    return std::hash<Int>()(id.value());
  }
};
