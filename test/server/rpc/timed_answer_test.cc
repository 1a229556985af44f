#include "server/rpc/timed_answer.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <catch2/catch.hpp>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;

constexpr const char* kGroup = "sw_metric";
constexpr const char* kName = "service_cpm";

void Write(RpcHarness& node, uint64_t points) {
  grpc::ClientContext call;
  const auto stream = measure::MeasureService::NewStub(node.channel())->Write(&call);
  std::thread sending([&] {
    const UnixNanos now = node.now();
    for (uint64_t id = 1; id <= points; ++id) {
      const auto time = now - static_cast<int64_t>(id / 100) * kNanosPerSecond;
      stream->Write(node.Point(kGroup, kName, id, "s" + std::to_string(id % 100), time, 1, 1.0));
    }
    stream->WritesDone();
  });
  measure::WriteResponse response;
  uint64_t replies = 0;
  while (stream->Read(&response)) ++replies;
  sending.join();
  REQUIRE(stream->Finish().ok());
  REQUIRE(replies == points);
}

// Asks, and never reads: what it is sent stays within the window of its stream. It answers pings.
class DeafClient {
 public:
  DeafClient(const std::shared_ptr<grpc::Channel>& channel, const measure::QueryRequest& request)
      : stub_(channel) {
    call_ = stub_.PrepareCall(&context_, "/banyandb.measure.v1.MeasureService/Query", &queue_);
    call_->StartCall(&queue_);
    Next();
    grpc::ByteBuffer bytes;
    bool own = false;
    REQUIRE(grpc::GenericSerialize<grpc::ProtoBufferWriter, measure::QueryRequest>(request, &bytes,
                                                                                   &own)
                .ok());
    call_->WriteLast(bytes, {}, &queue_);
    Next();
  }
  ~DeafClient() { context_.TryCancel(); }

 private:
  void Next() {
    void* tag = nullptr;
    bool ok = false;
    REQUIRE(queue_.Next(&tag, &ok));
    REQUIRE(ok);
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST_CASE("an answer that nobody takes gives its memory back in time", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  Write(node, 50'000);
  const auto held = [&] { return node.ledger().used_bytes(MemoryConsumer::kQueries); };
  const size_t before = held();
  const auto within = [](const auto& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return condition();
  };
  // Larger than this client takes, but it is made.
  measure::QueryResponse answer;
  const auto asked = std::chrono::steady_clock::now();
  REQUIRE(node.Ask(node.Query(kGroup, kName), answer).error_code() ==
          grpc::StatusCode::RESOURCE_EXHAUSTED);
  const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - asked;
  REQUIRE(within([&] { return held() <= before; }));
  // Longer than the question takes, however busy the machine.
  node.context().query_timeout_nanos = std::max<int64_t>(3 * kNanosPerSecond, 10 * taken.count());
  const DeafClient client(node.channel(), node.Query(kGroup, kName));
  size_t most = 0;
  REQUIRE(within([&] {
    most = std::max(most, held());
    return most > before + 4'000'000;
  }));
  REQUIRE(within([&] { return held() <= before; }));
  // Others are answered.
  measure::QueryRequest some = node.Query(kGroup, kName);
  some.set_limit(1000);
  measure::QueryResponse response;
  REQUIRE(node.Ask(some, response).ok());
  REQUIRE(response.data_points_size() == 1000);
}

}  // namespace
}  // namespace ficus
