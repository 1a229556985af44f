#include "engine/encoding/zstd_block.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("a block comes back at its size and at no other", "[zstd]") {
  const std::string text = GENERATE(std::string(), std::string("a"), std::string(100000, 'x'));
  for (const int level : {1, 3, 9}) {
    std::string frame = "before";
    ZstdCompress(text, level, frame);
    const std::string_view block = std::string_view(frame).substr(6);
    std::string back(text.size(), '?');
    REQUIRE(ZstdDecompress(block, back));
    REQUIRE(back == text);
    std::string longer(text.size() + 1, '?');
    REQUIRE_FALSE(ZstdDecompress(block, longer));
    if (!text.empty()) {
      std::string shorter(text.size() - 1, '?');
      REQUIRE_FALSE(ZstdDecompress(block, shorter));
      REQUIRE_FALSE(ZstdDecompress(block.substr(0, block.size() - 1), back));
    }
  }
  std::string out(10, '?');
  REQUIRE_FALSE(ZstdDecompress("not a frame", out));
}

}  // namespace ficus
