#include "server/ctl/message_text.h"

#include <catch2/catch.hpp>

#include "ficus/admin/v1/admin.pb.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

TEST_CASE("JSON has every field under its own name, numbers as numbers", "[ctl]") {
  v1::RestorePoint point;
  point.set_remote("a \"b\"\n\x01");
  point.mutable_committed_at()->set_seconds(1763640000);
  point.mutable_committed_at()->set_nanos(5);
  point.set_committed(18446744073709551615ULL);
  REQUIRE(MessageJson(point) ==
          "{\"remote\":\"a \\\"b\\\"\\n\\u0001\",\"url\":\"\",\"verified_timedir\":\"\","
          "\"verified_at\":null,\"committed_timedir\":\"\","
          "\"committed_at\":\"2025-11-20T12:00:00.000000005Z\","
          "\"committed\":18446744073709551615,\"verified\":0,\"degraded\":0,\"damaged\":0,"
          "\"unfinished\":0,\"sentence\":\"\",\"error\":\"\"}");
}

TEST_CASE("enums are words, absent values null, lists lists", "[ctl]") {
  v1::VerificationRecord record;
  record.set_level(v1::VERIFY_LEVEL_SAMPLE);
  record.add_notes("n");
  record.add_damaged()->set_key("k");
  const std::string json = MessageJson(record);
  CAPTURE(json);
  REQUIRE(json.find("\"level\":\"sample\"") != std::string::npos);
  REQUIRE(json.find("\"damaged\":[{\"key\":\"k\",\"reason\":\"\"}],\"notes\":[\"n\"]}") !=
          std::string::npos);
  v1::BackupRun run;
  REQUIRE(MessageJson(run).find("\"phase\":null") != std::string::npos);
  REQUIRE(MessageJson(run).find("\"eta_seconds\":null") != std::string::npos);
  run.set_eta_seconds(0.5);
  run.set_phase(v1::RUN_PHASE_UPLOAD);
  REQUIRE(MessageJson(run).find("\"eta_seconds\":0.5") != std::string::npos);
  REQUIRE(EnumText(run.phase()) == "upload");
  REQUIRE(EnumText(static_cast<v1::RunPhase>(99)) == "99");
}

TEST_CASE("YAML is the same tree", "[ctl]") {
  v1::BackupDescription description;
  v1::BackupCatalog& catalog = *description.add_catalogs();
  catalog.set_folder("measure");
  catalog.add_groups()->set_name("a: b");
  description.set_form(v1::FORM_SEED);
  REQUIRE(MessageYaml(description) ==
          "backup: null\n"
          "form: \"seed\"\n"
          "whole_node: false\n"
          "log_id: \"\"\n"
          "log_position: 0\n"
          "catalogs:\n"
          "- folder: \"measure\"\n"
          "  groups:\n"
          "  - name: \"a: b\"\n"
          "    id: \"\"\n"
          "missing: []\n");
}

}  // namespace
}  // namespace ficus
