// The kinds of data a group can hold, and what differs between their rows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ficus {

enum class Catalog : uint8_t { kStream = 1, kMeasure = 2, kProperty = 3, kTrace = 4 };

// "measure", "stream", ...: directory names and messages.
std::string_view CatalogName(Catalog catalog);
std::optional<Catalog> CatalogFromName(std::string_view name);

// What the one engine does differently for a kind of row. The identity of a row is (series,
// timestamp) everywhere; a property's timestamp is 0.
struct RowKind {
  Catalog catalog;
  bool has_segments;    // false: one endless segment, no retention
  bool has_tombstones;  // a row may be a deletion
};

const RowKind& RowKindOf(Catalog catalog);

}  // namespace ficus
