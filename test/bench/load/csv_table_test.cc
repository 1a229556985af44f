#include "bench/load/csv_table.h"

#include <fstream>
#include <iterator>
#include <string>

#include <catch2/catch.hpp>
#include <zlib.h>

#include "test/support/temp_directory.h"

namespace ficus::load {
namespace {

void WriteGzip(const std::string& path, const std::string& text) {
  gzFile file = ::gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())) ==
          static_cast<int>(text.size()));
  REQUIRE(::gzclose(file) == Z_OK);
}

TEST_CASE("a gzipped file is unpacked up to its bound", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("table.csv.gz");
  const std::string text(100'000, 'a');
  WriteGzip(path, text);
  REQUIRE(ReadGzip(path, 100'000).value() == text);
  REQUIRE_FALSE(ReadGzip(path, 99'999));
  REQUIRE_FALSE(ReadGzip(directory.File("other"), 10));
}

TEST_CASE("a gzipped file that ends too early is damaged", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("table.csv.gz");
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += std::to_string(i * i);
  WriteGzip(path, text);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<int>(bytes.size() / 2));
  REQUIRE_FALSE(ReadGzip(path, 1 << 20));
}

TEST_CASE("a table has a header and rows as wide", "[load]") {
  const CsvTable table = ParseCsv("a,b\r\n1,2\n\n3,\n").value();
  REQUIRE(table.header == std::vector<std::string>{"a", "b"});
  REQUIRE(table.rows == std::vector<std::vector<std::string>>{{"1", "2"}, {"3", ""}});
  REQUIRE(ParseCsv("").value().header.empty());
}

TEST_CASE("a row of another width and a quote are named by line", "[load]") {
  const std::string text = GENERATE("a,b\n1,2\n1\n", "a,b\n1,2\n1,2,3\n", "a,b\n1,2\n\"1\",2\n");
  const auto table = ParseCsv(text);
  REQUIRE_FALSE(table);
  REQUIRE(table.error().message.find("line 3") == 0);
}

TEST_CASE("a time is read to the millisecond", "[load]") {
  REQUIRE(ParseTime("1970-01-02 00:00:01.607158889 +0000 UTC m=+0.113112869") == 86'401'607);
  REQUIRE(ParseTime("2022-08-22 03:51:19 +0000 UTC") == 1'661'140'279'000);
  REQUIRE(ParseTime("2022-08-22 03:51:19.5 +0000") == 1'661'140'279'500);
}

TEST_CASE("what is no time in UTC is refused", "[load]") {
  const std::string text = GENERATE(
      "", "1661140279", "2022-13-01 00:00:00 +0000", "2022-02-30 00:00:00 +0000",
      "2022-08-22 24:00:00 +0000", "2022-08-22 03:51:19", "2022-08-22 03:51:19 +0200",
      "2022/08/22 03:51:19 +0000", "2022-08-22T03:51:19 +0000", "x022-08-22 03:51:19 +0000");
  CAPTURE(text);
  REQUIRE_FALSE(ParseTime(text));
}

TEST_CASE("a number is the whole field", "[load]") {
  REQUIRE(ParseNumber("1037.9999999999998") == 1037.9999999999998);
  REQUIRE(ParseNumber("-2e3") == -2000);
  REQUIRE_FALSE(ParseNumber(""));
  REQUIRE_FALSE(ParseNumber("1 "));
  REQUIRE_FALSE(ParseNumber("x"));
}

}  // namespace
}  // namespace ficus::load
