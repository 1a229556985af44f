#include "server/ingest/write_request_view.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("a cleared view says nothing and keeps memory of the usual size", "[ingest][view]") {
  WriteRequestView view;
  view.has_metadata = view.has_data_point = view.has_timestamp = view.has_spec = true;
  view.message_id = 1;
  view.version = 2;
  view.timestamp = {3, 4};
  view.metadata = {"g", "m", 5, 6, 7};
  view.tags.resize(100);
  view.fields.resize(100'000);
  view.families.resize(1);
  view.spec_families.resize(1);
  view.spec_tags.resize(1);
  view.spec_fields.resize(1);
  view.array_messages.resize(1);
  view.Clear();
  REQUIRE_FALSE(view.has_metadata);
  REQUIRE_FALSE(view.has_data_point);
  REQUIRE_FALSE(view.has_timestamp);
  REQUIRE_FALSE(view.has_spec);
  REQUIRE(view.message_id == 0);
  REQUIRE(view.version == 0);
  REQUIRE(view.timestamp.seconds == 0);
  REQUIRE(view.timestamp.nanos == 0);
  REQUIRE(view.metadata.group.empty());
  REQUIRE(view.metadata.mod_revision == 0);
  REQUIRE(view.tags.empty());
  REQUIRE(view.fields.empty());
  REQUIRE(view.families.empty());
  REQUIRE(view.spec_families.empty());
  REQUIRE(view.spec_tags.empty());
  REQUIRE(view.spec_fields.empty());
  REQUIRE(view.array_messages.empty());
  REQUIRE(view.tags.capacity() >= 100);
  REQUIRE(view.fields.capacity() == 0);
}

}  // namespace ficus
