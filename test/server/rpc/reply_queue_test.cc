#include "server/rpc/reply_queue.h"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <grpcpp/support/slice.h>

#include "banyandb/measure/v1/write.pb.h"

namespace ficus {
namespace {

banyandb::measure::v1::WriteResponse Parsed(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  REQUIRE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  banyandb::measure::v1::WriteResponse response;
  REQUIRE(response.ParseFromString(bytes));
  return response;
}

TEST_CASE("a reply reads as the generated class reads it", "[rpc]") {
  auto metadata = std::make_shared<WriteMetadata>();
  metadata->group = "sw_metric";
  metadata->name = "service_cpm";
  metadata->id = 300;
  metadata->mod_revision = int64_t{1} << 60;
  const auto response =
      Parsed(EncodeReply({~uint64_t{0}, WriteStatus::kInvalidTimestamp, metadata}));
  REQUIRE(response.message_id() == ~uint64_t{0});
  REQUIRE(response.status() == "STATUS_INVALID_TIMESTAMP");
  REQUIRE(response.metadata().group() == "sw_metric");
  REQUIRE(response.metadata().name() == "service_cpm");
  REQUIRE(response.metadata().id() == 300);
  REQUIRE(response.metadata().mod_revision() == int64_t{1} << 60);
}

TEST_CASE("a million replies that nobody reads cost what the ledger was told", "[rpc]") {
  MemoryLedger ledger(size_t{1} << 30);
  ReplyQueue queue(ledger);
  const auto metadata = std::make_shared<WriteMetadata>();
  for (uint64_t id = 1; id <= 1'000'000; ++id) {
    REQUIRE(queue.Push({id, WriteStatus::kSucceed, metadata}).has_value());
  }
  REQUIRE(ledger.used_bytes(MemoryConsumer::kReplies) >= 1'000'000 * sizeof(Reply));
  REQUIRE(ledger.used_bytes(MemoryConsumer::kReplies) < 64'000'000);
  for (uint64_t id = 1; id <= 1'000'000; ++id) REQUIRE(queue.Pop().message_id == id);
  REQUIRE(ledger.used_bytes() == 0);
}

TEST_CASE("a reply that the ledger refuses is not queued", "[rpc]") {
  MemoryLedger ledger(1000);
  ReplyQueue queue(ledger);
  REQUIRE(queue.Push({1, WriteStatus::kSucceed, nullptr}).error().code ==
          ErrorCode::kResourceExhausted);
  REQUIRE(queue.empty());
}

}  // namespace
}  // namespace ficus
