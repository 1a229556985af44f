#include "server/ctl/destination.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("URLs of one place are the same URL", "[ctl]") {
  REQUIRE(CanonicalUrl("file:///backups/") == "file:///backups");
  REQUIRE(CanonicalUrl("FILE:////backups//./a") == "file:///backups/a");
  REQUIRE(CanonicalUrl("file:///") == "file:///");
  REQUIRE(CanonicalUrl("s3:///bucket/prefix") == "s3://bucket/prefix");
  REQUIRE(CanonicalUrl("s3://bucket/prefix/") == "s3://bucket/prefix");
  REQUIRE(CanonicalUrl("gcs://b/p") == "gs://b/p");
  REQUIRE(CanonicalUrl("azure://c") == "azure://c");
  REQUIRE(CanonicalUrl("backups") == "backups");
  REQUIRE(CanonicalUrl("file:///a/../b") == "file:///a/../b");  // a link may lie there
}

TEST_CASE("a remote is found by its URL", "[ctl]") {
  admin::v1::ListRemotesResponse remotes;
  REQUIRE(FindRemote(remotes, "file:///b") == nullptr);
  admin::v1::Remote& remote = *remotes.add_remotes();
  remote.set_name("main");
  remote.set_url("s3://bucket/ficus/");
  REQUIRE(FindRemote(remotes, "s3:///bucket/ficus") == &remotes.remotes(0));
  REQUIRE(FindRemote(remotes, "s3://bucket/ficu") == nullptr);
}

TEST_CASE("schedules of both spellings are the same", "[ctl]") {
  REQUIRE(CanonicalSchedule("daily") == "@daily");
  REQUIRE(CanonicalSchedule("@daily") == "@daily");
  REQUIRE(CanonicalSchedule("@every 90m") == "@every 90m");
  REQUIRE(UnknownScheduleText("main", "daily", "hourly").find("schedule: \"@daily\"") !=
          std::string::npos);
}

}  // namespace
}  // namespace ficus
