#include "engine/io/registered_chunks.h"

#include <cstdint>

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("chunks are lent until none is left and come back", "[io]") {
  RegisteredChunks chunks;
  REQUIRE(chunks.Vectors().empty());
  std::vector<WriteChunk> lent;
  while (auto chunk = chunks.Take()) lent.push_back(*std::move(chunk));
  REQUIRE(lent.size() == RegisteredChunks::kCount);
  REQUIRE(chunks.Vectors().size() == RegisteredChunks::kCount);
  for (WriteChunk& chunk : lent) {
    REQUIRE(chunk.size() == RegisteredChunks::kBytes);
    REQUIRE(reinterpret_cast<uintptr_t>(chunk.data()) % kDirectAlignment == 0);
  }
  const char* freed = lent.back().data();
  lent.pop_back();
  REQUIRE(chunks.Take()->data() == freed);
}

TEST_CASE("bytes are found in their chunk, unless they reach beyond it", "[io]") {
  RegisteredChunks chunks;
  char other = 'x';
  REQUIRE(chunks.IndexOf(&other, 1) == -1);
  WriteChunk chunk = *chunks.Take();
  const int index = chunks.IndexOf(chunk.data(), chunk.size());
  REQUIRE(index >= 0);
  REQUIRE(chunks.Vectors()[static_cast<size_t>(index)].iov_base == chunk.data());
  REQUIRE(chunks.IndexOf(chunk.data() + 100, 50) == index);
  REQUIRE(chunks.IndexOf(chunk.data() + 1, chunk.size()) == -1);
  REQUIRE(chunks.IndexOf(&other, 1) == -1);
}

TEST_CASE("a moved chunk is given back once", "[io]") {
  int given_back = 0;
  char bytes[4] = {};
  {
    WriteChunk first({bytes, 4}, [&given_back] { ++given_back; });
    WriteChunk second(std::move(first));
    WriteChunk third;
    third = std::move(second);
    REQUIRE(third.data() == bytes);
    REQUIRE(given_back == 0);
  }
  REQUIRE(given_back == 1);
}

}  // namespace ficus
