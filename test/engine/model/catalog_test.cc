#include "engine/model/catalog.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("every catalog has a name and is found by it", "[model]") {
  const auto [catalog, name] = GENERATE(table<Catalog, std::string>({
      {Catalog::kStream, "stream"},
      {Catalog::kMeasure, "measure"},
      {Catalog::kProperty, "property"},
      {Catalog::kTrace, "trace"},
  }));
  REQUIRE(CatalogName(catalog) == name);
  REQUIRE(CatalogFromName(name) == catalog);
  REQUIRE(RowKindOf(catalog).catalog == catalog);
}

TEST_CASE("a name that is no catalog is not found", "[model]") {
  REQUIRE(CatalogFromName("") == std::nullopt);
  REQUIRE(CatalogFromName("Measure") == std::nullopt);
  REQUIRE(CatalogFromName("measures") == std::nullopt);
}

TEST_CASE("properties have tombstones and no segments, the others the reverse", "[model]") {
  REQUIRE_FALSE(RowKindOf(Catalog::kProperty).has_segments);
  REQUIRE(RowKindOf(Catalog::kProperty).has_tombstones);
  for (const Catalog catalog : {Catalog::kStream, Catalog::kMeasure, Catalog::kTrace}) {
    REQUIRE(RowKindOf(catalog).has_segments);
    REQUIRE_FALSE(RowKindOf(catalog).has_tombstones);
  }
}

}  // namespace ficus
