#include "engine/model/catalog.h"

#include "engine/base/check.h"

namespace ficus {
namespace {

struct Entry {
  RowKind kind;
  std::string_view name;
};

constexpr std::array<Entry, 4> kEntries = {{
    {{Catalog::kStream, true, false}, "stream"},
    {{Catalog::kMeasure, true, false}, "measure"},
    {{Catalog::kProperty, false, true}, "property"},
    {{Catalog::kTrace, true, false}, "trace"},
}};

const Entry& EntryOf(Catalog catalog) {
  const auto index = static_cast<size_t>(catalog) - 1;
  CHECK(index < kEntries.size()) << "catalog " << static_cast<int>(catalog);
  return kEntries[index];
}

}  // namespace

std::string_view CatalogName(Catalog catalog) { return EntryOf(catalog).name; }

std::optional<Catalog> CatalogFromName(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.kind.catalog;
  }
  return std::nullopt;
}

const RowKind& RowKindOf(Catalog catalog) { return EntryOf(catalog).kind; }

}  // namespace ficus
