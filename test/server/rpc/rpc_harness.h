// A node in memory behind a real gRPC port on loopback, with the generated client.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "banyandb/measure/v1/rpc.grpc.pb.h"
#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/database/database.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "server/rpc/rpc_server.h"
#include "server/rpc/timestamp_convert.h"

namespace ficus {

// Another executor, that tells when a call has begun to wait.
class WatchedExecutor final : public Executor {
 public:
  explicit WatchedExecutor(Executor& executor) : executor_(executor) {}

  void Post(Job job) override { executor_.Post(std::move(job)); }
  std::shared_ptr<Timer> PostAfter(int64_t delay_nanos, Job job) override {
    {
      MutexLock lock(mutex_);
      ++timers_;
    }
    set_.NotifyAll();
    return executor_.PostAfter(delay_nanos, std::move(job));
  }

  // Until the first timer is set; gives up after a minute, so that the test fails by itself.
  void AwaitTimer() {
    MutexLock lock(mutex_);
    while (timers_ == 0 && set_.WaitFor(lock, std::chrono::minutes(1))) {
    }
  }

 private:
  Executor& executor_;
  Mutex mutex_;
  CondVar set_;
  int timers_ GUARDED_BY(mutex_) = 0;
};

class RpcHarness {
 public:
  // `protection` outlives the harness; a protected port needs a channel of the test's own.
  explicit RpcHarness(const PortProtection& protection = {},
                      const std::vector<grpc::Service*>& more = {})
      : fs_(MemoryFileSystem::Create()),
        log_fs_(MemoryFileSystem::Create()),
        log_(ThreadExecutor::Create("log", 1)),
        introduce_(ThreadExecutor::Create("introduce", 1)),
        work_(ThreadExecutor::Create("work", 2)),
        background_(ThreadExecutor::Create("background", 1)),
        query_(ThreadExecutor::Create("query", 2)) {
    DatabaseOptions options;
    options.ballast_bytes = 1 << 20;
    options.log.file_bytes = 4 << 20;
    auto database = Database::Open({*fs_,
                                    *log_fs_,
                                    clock_,
                                    random_,
                                    ledger_,
                                    metrics_,
                                    *log_,
                                    *introduce_,
                                    *work_,
                                    *work_,
                                    *background_,
                                    *background_,
                                    {}},
                                   options);
    REQUIRE(database.has_value());
    database_ = *std::move(database);
    // NOLINTNEXTLINE(modernize-make-unique): it names its members, and it cannot be moved.
    context_.reset(new RpcContext{.database = *database_,
                                  .clock = clock_,
                                  .random = random_,
                                  .ledger = ledger_,
                                  .metrics = metrics_,
                                  .write_executor = *work_,
                                  .query_executor = watched_query_,
                                  .build_revision = "test",
                                  .node_name = "node",
                                  .grpc_address = "node:17912",
                                  .http_address = "node:17913",
                                  .labels = {}});
    RpcServerOptions server_options;
    server_options.protection = protection;
    auto server = RpcServer::Start(*context_, server_options, more);
    REQUIRE(server.has_value());
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                   grpc::InsecureChannelCredentials());
  }
  ~RpcHarness() {
    server_->Stop(kNanosPerSecond);
    query_->Close();
    database_->Close();
    for (ThreadExecutor* executor :
         {work_.get(), background_.get(), introduce_.get(), log_.get()}) {
      executor->Close();
    }
    server_.reset();
    database_.reset();
  }

  Database& database() { return *database_; }
  MemoryLedger& ledger() { return ledger_; }
  RpcContext& context() { return *context_; }
  RpcServer& server() { return *server_; }
  WatchedExecutor& query_executor() { return watched_query_; }
  MetricRegistry& metrics() { return metrics_; }
  uint16_t port() const { return server_->port(); }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  UnixNanos now() const { return clock_.Now() / kNanosPerSecond * kNanosPerSecond; }

  banyandb::common::v1::Group Group(const std::string& name) {
    banyandb::common::v1::Group group;
    group.mutable_metadata()->set_name(name);
    group.set_catalog(banyandb::common::v1::CATALOG_MEASURE);
    auto& options = *group.mutable_resource_opts();
    options.set_shard_num(2);
    options.mutable_segment_interval()->set_unit(banyandb::common::v1::IntervalRule::UNIT_DAY);
    options.mutable_segment_interval()->set_num(1);
    options.mutable_ttl()->set_unit(banyandb::common::v1::IntervalRule::UNIT_DAY);
    options.mutable_ttl()->set_num(7);
    return group;
  }
  // Entity tag `service`, plain tag `layer`, fields `total` (int) and `value` (float).
  banyandb::database::v1::Measure Measure(const std::string& group, const std::string& name) {
    namespace db = banyandb::database::v1;
    db::Measure measure;
    measure.mutable_metadata()->set_group(group);
    measure.mutable_metadata()->set_name(name);
    auto& family = *measure.add_tag_families();
    family.set_name("default");
    for (const char* tag : {"service", "layer"}) {
      auto& spec = *family.add_tags();
      spec.set_name(tag);
      spec.set_type(db::TAG_TYPE_STRING);
    }
    auto& total = *measure.add_fields();
    total.set_name("total");
    total.set_field_type(db::FIELD_TYPE_INT);
    total.set_compression_method(db::COMPRESSION_METHOD_ZSTD);
    auto& value = *measure.add_fields();
    value.set_name("value");
    value.set_field_type(db::FIELD_TYPE_FLOAT);
    value.set_compression_method(db::COMPRESSION_METHOD_ZSTD);
    measure.mutable_entity()->add_tag_names("service");
    measure.set_interval("1m");
    return measure;
  }
  void CreateSchema(const std::string& group, const std::string& name) {
    namespace db = banyandb::database::v1;
    {
      grpc::ClientContext call;
      db::GroupRegistryServiceCreateRequest request;
      db::GroupRegistryServiceCreateResponse response;
      *request.mutable_group() = Group(group);
      const auto status =
          db::GroupRegistryService::NewStub(channel_)->Create(&call, request, &response);
      CAPTURE(status.error_message());
      REQUIRE(status.ok());
      REQUIRE(response.mod_revision() > 0);
    }
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateRequest request;
    db::MeasureRegistryServiceCreateResponse response;
    *request.mutable_measure() = Measure(group, name);
    const auto status =
        db::MeasureRegistryService::NewStub(channel_)->Create(&call, request, &response);
    CAPTURE(status.error_message());
    REQUIRE(status.ok());
  }

  banyandb::measure::v1::WriteRequest Point(const std::string& group, const std::string& name,
                                            uint64_t id, const std::string& service, UnixNanos time,
                                            int64_t total, double value) {
    banyandb::measure::v1::WriteRequest request;
    request.mutable_metadata()->set_group(group);
    request.mutable_metadata()->set_name(name);
    request.set_message_id(id);
    auto& point = *request.mutable_data_point();
    ToMessage(time, *point.mutable_timestamp());
    auto& family = *point.add_tag_families();
    family.add_tags()->mutable_str()->set_value(service);
    family.add_tags()->mutable_str()->set_value("GENERAL");
    point.add_fields()->mutable_int_()->set_value(total);
    point.add_fields()->mutable_float_()->set_value(value);
    return request;
  }

  banyandb::measure::v1::QueryRequest Query(const std::string& group, const std::string& name) {
    banyandb::measure::v1::QueryRequest request;
    request.add_groups(group);
    request.set_name(name);
    ToMessage(now() - kNanosPerDay, *request.mutable_time_range()->mutable_begin());
    ToMessage(now() + kNanosPerDay / 2, *request.mutable_time_range()->mutable_end());
    auto& family = *request.mutable_tag_projection()->add_tag_families();
    family.set_name("default");
    family.add_tags("service");
    request.mutable_field_projection()->add_names("total");
    request.mutable_field_projection()->add_names("value");
    request.set_limit(1'000'000'000);
    return request;
  }
  grpc::Status Ask(const banyandb::measure::v1::QueryRequest& request,
                   banyandb::measure::v1::QueryResponse& response) {
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    return banyandb::measure::v1::MeasureService::NewStub(channel_)->Query(&call, request,
                                                                           &response);
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  MetricRegistry metrics_;
  MemoryLedger ledger_{size_t{1} << 30};
  std::unique_ptr<MemoryFileSystem> fs_;
  std::unique_ptr<MemoryFileSystem> log_fs_;
  std::unique_ptr<ThreadExecutor> log_;
  std::unique_ptr<ThreadExecutor> introduce_;
  std::unique_ptr<ThreadExecutor> work_;
  std::unique_ptr<ThreadExecutor> background_;
  std::unique_ptr<ThreadExecutor> query_;
  WatchedExecutor watched_query_{*query_};
  std::unique_ptr<Database> database_;
  std::unique_ptr<RpcContext> context_;
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace ficus
