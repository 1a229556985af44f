#include "engine/io/fault_control.h"

#include <cerrno>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

std::string RefusalOf(std::string_view text) {
  const auto rules = ParseFaultRules(text);
  return rules ? "" : rules.error().message;
}

}  // namespace

TEST_CASE("a line of a control file says what happens to which operations", "[io]") {
  const auto rules = ParseFaultRules(
      "kill op=fsync_directory class=manifest skip=3\n"
      "\n"
      "cut op=write path=wal/\n"
      "stall times=ever\n"
      "fail times=2\n"
      "full\n");
  REQUIRE(rules.has_value());
  REQUIRE(rules->size() == 5);
  const FaultRule& kill = (*rules)[0];
  REQUIRE(kill.kill);
  REQUIRE_FALSE(kill.short_transfer);
  REQUIRE(kill.op == IoOp::kSyncDirectory);
  REQUIRE(kill.file_class == FileClass::kManifest);
  REQUIRE(kill.skip == 3);
  REQUIRE(kill.times == 1);
  const FaultRule& cut = (*rules)[1];
  REQUIRE(cut.kill);
  REQUIRE(cut.short_transfer);
  REQUIRE(cut.op == IoOp::kWrite);
  REQUIRE_FALSE(cut.file_class.has_value());
  REQUIRE(cut.path_contains == "wal/");
  REQUIRE((*rules)[2].stall);
  REQUIRE((*rules)[2].times == UINT64_MAX);
  REQUIRE((*rules)[2].error_number == 0);
  REQUIRE((*rules)[3].error_number == EIO);
  REQUIRE((*rules)[3].times == 2);
  REQUIRE((*rules)[4].error_number == ENOSPC);
}

TEST_CASE("a word that makes no sense is refused by its name", "[io]") {
  REQUIRE(RefusalOf("") == "");
  REQUIRE(RefusalOf("burn").find("'burn'") != std::string::npos);
  for (const std::string word :
       {"op=fly", "class=none", "skip=x", "skip=-1", "times=", "colour=red", "kill", "="}) {
    REQUIRE(RefusalOf("fail " + word).find("'" + word + "'") != std::string::npos);
  }
}

}  // namespace ficus
