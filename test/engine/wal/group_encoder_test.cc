#include "engine/wal/group_encoder.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("the encoder writes exactly as much as is computed beforehand", "[wal][format]") {
  const size_t block = kLogBlockBytes;
  for (const uint64_t offset : {uint64_t{4096}, uint64_t{28672}, uint64_t{32768}}) {
    for (const size_t bytes :
         {size_t{0}, size_t{1}, size_t{4000}, block - 4096 - 40, block - 4096 - 39, block - 80,
          block - 41, block - 40, block - 39, block, 3 * block, 100 * block + 17}) {
      CAPTURE(offset, bytes);
      GroupEncoder encoder;
      encoder.Begin({{LogId(1), 1, offset}, 0, LogPosition(0)});
      encoder.Add(LogPosition(1), Scn(1), std::string(bytes, 'x'));
      const uint64_t end = EndOfBatch(offset, bytes);
      REQUIRE(AlignToGroup(end) == offset + encoder.Finish().size());
      REQUIRE(AlignToGroup(end) - offset <= BatchFileBytesMax(bytes));

      // A second batch of the same group.
      encoder.Begin({{LogId(1), 1, offset}, 0, LogPosition(0)});
      encoder.Add(LogPosition(1), Scn(1), std::string(bytes, 'x'));
      encoder.Add(LogPosition(2), Scn(2), std::string(bytes, 'y'));
      REQUIRE(AlignToGroup(EndOfBatch(end, bytes)) == offset + encoder.Finish().size());
    }
  }
}

TEST_CASE("each fragment names the one before it", "[wal][format]") {
  GroupEncoder encoder;
  const FragmentPlace place{LogId(1), 1, 4096};
  encoder.Begin({place, 0x1234, LogPosition(0)});
  encoder.Add(LogPosition(1), Scn(1), "one");
  const uint32_t first = encoder.chain();
  encoder.Add(LogPosition(2), Scn(2), "two");
  const std::string bytes(encoder.Finish());
  const auto one = DecodeFragment(place, bytes);
  REQUIRE(one->header.previous == 0x1234);
  REQUIRE(one->header.checksum == first);
  const size_t second = kFragmentHeaderBytes + 3;
  const auto two =
      DecodeFragment({LogId(1), 1, 4096 + second}, std::string_view(bytes).substr(second));
  REQUIRE(two->header.previous == first);
  REQUIRE(two->header.checksum == encoder.chain());
}

TEST_CASE("a mark is a fragment without payload", "[wal][format]") {
  GroupEncoder encoder;
  const FragmentPlace place{LogId(1), 1, 4096};
  encoder.Begin({place, 7, LogPosition(5)});
  encoder.AddMark(LogPosition(5), Scn(9));
  const std::string bytes(encoder.Finish());
  REQUIRE(bytes.size() == kGroupAlignment);
  const auto mark = DecodeFragment(place, bytes);
  REQUIRE(mark->header.type == FragmentType::kMark);
  REQUIRE(mark->header.length == 0);
  REQUIRE(mark->header.position == LogPosition(5));
  REQUIRE(mark->header.synced == LogPosition(5));
}

}  // namespace
}  // namespace ficus
