#include "bench/load/journal.h"

#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "test/support/temp_directory.h"

namespace ficus::load {
namespace {

const GeneratedLayout kLayout{300, 2, 1'700'000'000'000, 1000};

void Append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

TEST_CASE("a journal gives back what was noted", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("journal");
  {
    auto journal = JournalWriter::Open(path, "sw", kLayout).value();
    REQUIRE(journal->Issued(0, 0, 100));
    REQUIRE(journal->Issued(1, 0, 50));
    REQUIRE(journal->Acked(0, 0, 10));
    REQUIRE(journal->Acked(0, 12, 5));
  }
  const auto runs = ReadJournal(path).value();
  REQUIRE(runs.size() == 1);
  REQUIRE(runs[0].group == "sw");
  REQUIRE(runs[0].layout == kLayout);
  REQUIRE(runs[0].issued[0].size() == 100);
  REQUIRE(runs[0].issued[1].size() == 50);
  REQUIRE(runs[0].acked[0].size() == 15);
  REQUIRE_FALSE(runs[0].acked[0].Contains(11));
  REQUIRE(runs[0].acked[1].size() == 0);
}

TEST_CASE("each client that opens a journal adds a run", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("journal");
  for (int i = 0; i < 3; ++i) {
    auto journal = JournalWriter::Open(path, "g" + std::to_string(i), kLayout).value();
    REQUIRE(journal->Issued(0, 0, 1));
  }
  const auto runs = ReadJournal(path).value();
  REQUIRE(runs.size() == 3);
  REQUIRE(runs[2].group == "g2");
  REQUIRE(runs[2].issued[0].size() == 1);
}

TEST_CASE("the torn line of a client that died is dropped", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("journal");
  { REQUIRE(JournalWriter::Open(path, "sw", kLayout).value()->Acked(0, 0, 7)); }
  Append(path, "acked 0 0 7 9");
  REQUIRE(ReadJournal(path).value()[0].acked[0].size() == 7);
  { REQUIRE(JournalWriter::Open(path, "sw", kLayout).value()->Acked(0, 0, 1)); }
  const auto runs = ReadJournal(path).value();
  REQUIRE(runs.size() == 2);
  REQUIRE(runs[0].acked[0].size() == 7);
}

TEST_CASE("a line that is none of the journal's is named", "[load]") {
  const std::string line =
      GENERATE("", "hello", "acked 0 0 1", "acked 0 2 1 1", "acked 1 0 1 1", "acked 0 0 1 0",
               "acked 0 0 -1 1", "acked 0 0 1 1 1", "run 0 sw 300 2 0 1000", "run 1 sw 0 2 0 1000",
               "run 1 sw 300 5000 0 1000", "issued 0 0 99999999999999999999 1");
  CAPTURE(line);
  const auto runs = ParseJournal("run 0 sw 300 2 0 1000\n" + line + "\n");
  REQUIRE_FALSE(runs);
  REQUIRE(runs.error().code == ErrorCode::kCorruption);
  REQUIRE(runs.error().message.find("line 2") != std::string::npos);
}

TEST_CASE("a journal that is not there is an error", "[load]") {
  REQUIRE_FALSE(ReadJournal("/nowhere/journal"));
  REQUIRE_FALSE(JournalWriter::Open("/nowhere/journal", "sw", kLayout));
}

}  // namespace
}  // namespace ficus::load
