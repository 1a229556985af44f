#include "engine/io/transfer.h"

#include <cerrno>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

Transfer WriteOf(size_t size) { return {.op = IoOp::kWrite, .offset = 1000, .size = size}; }

}  // namespace

TEST_CASE("a transfer goes on where a short one ended", "[io]") {
  Transfer transfer = WriteOf(100);
  REQUIRE(!transfer.Advance(30));
  REQUIRE(transfer.rest_offset() == 1030);
  REQUIRE(transfer.rest_size() == 70);
  REQUIRE(transfer.Advance(70));
  REQUIRE(transfer.error_number == 0);
}

TEST_CASE("a transfer is patient as long as it gets somewhere", "[io]") {
  Transfer transfer = WriteOf(1000);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < Transfer::kTriesMax - 1; ++i) REQUIRE(!transfer.Advance(-EINTR));
    REQUIRE(!transfer.Advance(1));
  }
  for (int i = 0; i < Transfer::kTriesMax - 1; ++i) REQUIRE(!transfer.Advance(-EAGAIN));
  REQUIRE(transfer.Advance(-EAGAIN));
  REQUIRE(transfer.error_number == EAGAIN);
}

TEST_CASE("nothing moved is the end of a file for a read and a failure of a write", "[io]") {
  Transfer read{.op = IoOp::kRead, .size = 10};
  REQUIRE(read.Advance(0));
  REQUIRE(read.at_end);
  REQUIRE(read.error_number == EIO);
  Transfer write = WriteOf(10);
  REQUIRE(write.Advance(0));
  REQUIRE(!write.at_end);
  REQUIRE(write.error_number == EIO);
  Transfer sync{.op = IoOp::kSync};
  REQUIRE(sync.Advance(0));
  REQUIRE(sync.error_number == 0);
}

TEST_CASE("the kernel is asked for no more than it moves at once", "[io]") {
  Transfer transfer = WriteOf(3 * Transfer::kBytesMax + 5);
  REQUIRE(transfer.rest_size() == Transfer::kBytesMax);
  REQUIRE(!transfer.Advance(static_cast<int64_t>(Transfer::kBytesMax)));
  REQUIRE(transfer.rest_offset() == 1000 + Transfer::kBytesMax);
}

TEST_CASE("a sync starts after the last of its writes, unless one failed", "[io]") {
  std::vector<Transfer> transfers(3);
  transfers[0] = {.op = IoOp::kSync, .writes_left = 2};
  transfers[1] = WriteOf(10);
  transfers[1].sync = 0;
  transfers[2] = transfers[1];
  const bool fails = GENERATE(false, true);
  transfers[1].Advance(fails ? -EIO : 10);
  REQUIRE(!ReleaseSync(transfers, transfers[1]));
  REQUIRE(!transfers[0].finished);
  transfers[2].Advance(10);
  REQUIRE(ReleaseSync(transfers, transfers[2]) == !fails);
  REQUIRE(transfers[0].finished == fails);
  REQUIRE(transfers[0].error_number == (fails ? ECANCELED : 0));
}

}  // namespace ficus
