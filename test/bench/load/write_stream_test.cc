#include "bench/load/write_stream.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "banyandb/measure/v1/rpc.grpc.pb.h"
#include "engine/base/mutex.h"
#include "test/support/temp_directory.h"

namespace ficus::load {
namespace {

namespace measure = banyandb::measure::v1;

using Stream = grpc::ServerReaderWriter<measure::WriteResponse, measure::WriteRequest>;

// A node that keeps points in memory. What it does with a message is decided by the test.
class FakeNode final : public measure::MeasureService::Service {
 public:
  // The status to answer; empty: none at all; "break": the call ends as if the node had died.
  using Decide = std::function<std::string(uint64_t nth_message)>;

  explicit FakeNode(Decide decide) : decide_(std::move(decide)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    REQUIRE(server_ != nullptr);
  }
  ~FakeNode() override { server_->Shutdown(); }

  grpc::Status Write(grpc::ServerContext*, Stream* stream) override {
    measure::WriteRequest request;
    std::string name;
    while (stream->Read(&request)) {
      if (request.has_metadata())
        name = request.metadata().group() + "." + request.metadata().name();
      const std::string status = decide_(++messages_);
      if (status == "break") return {grpc::StatusCode::UNAVAILABLE, "gone"};
      const MutexLock lock(mutex_);
      ++stored_[name + " " + std::to_string(request.message_id())];
      if (status.empty()) continue;
      measure::WriteResponse response;
      response.set_message_id(request.message_id());
      response.set_status(status);
      stream->Write(response);
      if (status == "twice") stream->Write(response);
    }
    return grpc::Status::OK;
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // How often each message came.
  std::map<std::string, int> stored() {
    const MutexLock lock(mutex_);
    return stored_;
  }

 private:
  const Decide decide_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::atomic<uint64_t> messages_{0};
  Mutex mutex_;
  std::map<std::string, int> stored_ GUARDED_BY(mutex_);
};

const GeneratedLayout kLayout{30, 1, 1'700'000'000'000, 1000};

// A stream to `node` that sends `points` points.
struct Client {
  Client(const FakeNode& node, uint64_t points) {
    options.address = node.address();
    options.group = "sw";
    options.points_max = points;
    options.first_message_id = 1000;
  }

  Result<> Run(JournalWriter* journal = nullptr) {
    return WriteStream(options, source, journal, totals).Run(stop);
  }

  GeneratedPoints source{kLayout};
  WriteStreamOptions options;
  WriteTotals totals;
  std::atomic<bool> stop{false};
};

std::string AlwaysSucceed(uint64_t) { return "STATUS_SUCCEED"; }

TEST_CASE("every point is sent once and its answer counted", "[load]") {
  FakeNode node(AlwaysSucceed);
  Client client(node, 20'000);
  client.options.unanswered_max = GENERATE(1, 100, 8192);
  if (client.options.unanswered_max == 1) client.options.points_max = 200;
  REQUIRE(client.Run());
  REQUIRE(client.totals.acknowledged == client.options.points_max);
  REQUIRE(client.totals.issued == client.options.points_max);
  REQUIRE(client.totals.latency.Copy().total() == client.options.points_max);
  const auto stored = node.stored();
  REQUIRE(stored.size() == client.options.points_max);
  REQUIRE(stored.count("sw.service_cpm 1000") == 1);
  REQUIRE(stored.count("sw.service_resp_time 1010") == 1);
  REQUIRE(stored.count("sw.meter_vm_cpu_percentage 1020") == 1);
  REQUIRE(stored.count("sw.service_cpm 1030") == 1);
}

TEST_CASE("refusals are counted by their status", "[load]") {
  FakeNode node([](uint64_t nth) {
    if (nth % 10 == 0) return "STATUS_DISK_FULL";
    return nth % 25 == 1 ? "STATUS_INTERNAL_ERROR" : "STATUS_SUCCEED";
  });
  Client client(node, 1000);
  REQUIRE(client.Run());
  REQUIRE(client.totals.acknowledged == 860);
  REQUIRE(
      client.totals.Refusals() ==
      std::map<std::string, uint64_t>{{"STATUS_DISK_FULL", 100}, {"STATUS_INTERNAL_ERROR", 40}});
}

TEST_CASE("a node that goes away ends the stream with what is known", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("journal");
  FakeNode node([](uint64_t nth) { return nth == 500 ? "break" : "STATUS_SUCCEED"; });
  Client client(node, 5000);
  {
    auto journal = JournalWriter::Open(path, "sw", kLayout).value();
    const Result<> result = client.Run(journal.get());
    REQUIRE_FALSE(result);
    REQUIRE(result.error().code == ErrorCode::kUnavailable);
  }
  const auto runs = ReadJournal(path).value();
  REQUIRE(runs[0].acked[0].size() == client.totals.acknowledged);
  REQUIRE(client.totals.acknowledged <= 499);
  REQUIRE(runs[0].issued[0].size() >= client.totals.issued);
  REQUIRE(node.stored().size() == 499);
}

TEST_CASE("what a broken call left unanswered is sent again", "[load]") {
  const TempDirectory directory;
  const std::string path = directory.File("journal");
  FakeNode node([](uint64_t nth) -> std::string {
    if (nth % 700 == 0) return "break";
    return "STATUS_SUCCEED";
  });
  Client client(node, 5000);
  client.options.reconnect_seconds = 10;
  client.options.unanswered_max = 300;
  {
    auto journal = JournalWriter::Open(path, "sw", kLayout).value();
    REQUIRE(client.Run(journal.get()));
  }
  REQUIRE(client.totals.acknowledged == 5000);
  REQUIRE(client.totals.issued == 5000);
  REQUIRE(client.totals.reconnects >= 7);
  REQUIRE(client.totals.sent_again > 0);
  REQUIRE(node.stored().size() == 5000);
  const auto runs = ReadJournal(path).value();
  REQUIRE(runs[0].acked[0].ranges() == std::map<uint64_t, uint64_t>{{0, 5000}});
  REQUIRE(runs[0].issued[0].ranges() == std::map<uint64_t, uint64_t>{{0, 5000}});
}

TEST_CASE("a second answer to a point is an error", "[load]") {
  FakeNode node([](uint64_t nth) { return nth == 100 ? "twice" : "STATUS_SUCCEED"; });
  Client client(node, 5000);
  client.options.reconnect_seconds = 10;
  const Result<> result = client.Run();
  REQUIRE_FALSE(result);
  REQUIRE(result.error().message.find("waits for none") != std::string::npos);
}

TEST_CASE("a call that ends without all answers is an error", "[load]") {
  FakeNode node([](uint64_t nth) { return nth == 100 ? "" : "STATUS_SUCCEED"; });
  Client client(node, 1000);
  const Result<> result = client.Run();
  REQUIRE_FALSE(result);
  REQUIRE(result.error().message.find("have no answer") != std::string::npos);
}

TEST_CASE("a stream with a rate keeps it", "[load]") {
  FakeNode node(AlwaysSucceed);
  Client client(node, 200);
  client.options.points_per_second = 1000;
  const auto began = std::chrono::steady_clock::now();
  REQUIRE(client.Run());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  REQUIRE(client.totals.acknowledged == 200);
  REQUIRE(took.count() > 0.19);
}

TEST_CASE("a stream that is told to stop finishes what it has sent", "[load]") {
  std::atomic<bool>* stop = nullptr;
  FakeNode node([&](uint64_t nth) {
    if (nth == 1000) stop->store(true);
    return "STATUS_SUCCEED";
  });
  Client client(node, std::numeric_limits<uint64_t>::max());
  stop = &client.stop;
  REQUIRE(client.Run());
  REQUIRE(client.totals.acknowledged == client.totals.issued);
  REQUIRE(client.totals.acknowledged >= 1000);
}

}  // namespace
}  // namespace ficus::load
