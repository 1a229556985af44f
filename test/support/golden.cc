#include "test/support/golden.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

namespace ficus {

void CheckGolden(std::string_view name, std::string_view actual) {
  const std::filesystem::path path = std::filesystem::path("test/golden") / name;
  const char* update = std::getenv("UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << actual;
  }
  std::ifstream stream(path, std::ios::binary);
  INFO("golden file " << path.string() << "; UPDATE_GOLDEN=1 rewrites it");
  REQUIRE(stream.is_open());
  const std::string expected{std::istreambuf_iterator<char>(stream), {}};
  REQUIRE(std::string(actual) == expected);
}

std::string HexDump(std::span<const std::byte> bytes) {
  std::string text;
  char piece[24];
  for (size_t line = 0; line < bytes.size(); line += 16) {
    const auto row = bytes.subspan(line, std::min<size_t>(16, bytes.size() - line));
    std::snprintf(piece, sizeof piece, "%08zx ", line);
    text += piece;
    std::string printable;
    for (const std::byte byte : row) {
      const auto value = std::to_integer<unsigned>(byte);
      std::snprintf(piece, sizeof piece, " %02x", value);
      text += piece;
      printable += value >= 0x20 && value < 0x7f ? static_cast<char>(value) : '.';
    }
    text.append(3 * (16 - row.size()), ' ');
    text += "  " + printable + "\n";
  }
  return text;
}

}  // namespace ficus
