#include "server/rpc/rpc_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/core.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "server/rpc/barrier_service.h"
#include "server/rpc/group_service.h"
#include "server/rpc/measure_service.h"
#include "server/rpc/node_service.h"
#include "server/rpc/registry_service.h"
#include "server/rpc/snapshot_service.h"
#include "server/rpc/version_service.h"

namespace ficus {
namespace {

constexpr int kMetadataBytesMax = 16 << 10;
constexpr int kStreamsPerConnectionMax = 1000;
constexpr int kHandshakeMillisMax = 20'000;
constexpr size_t kTransportBytesMin = size_t{64} << 20;
// A client that went without a word is noticed after these.
constexpr int kKeepaliveMillis = 60'000;
constexpr int kKeepaliveTimeoutMillis = 20'000;

// What gRPC itself may hold: half-read messages, connections, what waits to be sent. Beyond it, it
// reads no further and gives up calls, the largest first.
size_t TransportBytes(size_t ledger_bytes) {
  return std::max(ledger_bytes / 4, kTransportBytesMin);
}

std::string AddressOf(const RpcServerOptions& options) {
  const bool is_v6 = options.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", options.host, options.port)
               : fmt::format("{}:{}", options.host, options.port);
}

class RpcServerImpl final : public RpcServer {
 public:
  explicit RpcServerImpl(RpcContext& context)
      : ledger_bytes_(context.ledger.limit_bytes()),
        version_(context.ledger, context.api_version, context.build_revision),
        groups_(context),
        measures_(context),
        index_rules_(context),
        bindings_(context),
        top_ns_(context),
        barrier_(context),
        nodes_(context),
        snapshots_(context),
        measure_service_(context) {}
  ~RpcServerImpl() override { Stop(0); }

  Result<> Start(const RpcServerOptions& options, const std::vector<grpc::Service*>& more);
  uint16_t port() const override { return port_; }
  void SetServing(bool serving) override {
    server_->GetHealthCheckService()->SetServingStatus(serving);
  }
  void Stop(int64_t grace_nanos) override;

 private:
  const size_t ledger_bytes_;
  VersionService version_;
  GroupService groups_;
  RegistryService<MeasureRegistryTraits> measures_;
  RegistryService<IndexRuleRegistryTraits> index_rules_;
  RegistryService<IndexRuleBindingRegistryTraits> bindings_;
  RegistryService<TopNAggregationRegistryTraits> top_ns_;
  BarrierService barrier_;
  NodeService nodes_;
  SnapshotService snapshots_;
  MeasureService measure_service_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
  bool stopped_ = false;
};

Result<> RpcServerImpl::Start(const RpcServerOptions& options,
                              const std::vector<grpc::Service*>& more) {
  grpc::EnableDefaultHealthCheckService(true);
  if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  const std::string address = AddressOf(options);
  credentials_ = MakeServerCredentials(options.protection);
  builder.AddListeningPort(address, credentials_, &port);
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &version_, &groups_, &measures_, &index_rules_, &bindings_, &top_ns_, &barrier_, &nodes_,
           &snapshots_, &measure_service_}) {
    builder.RegisterService(service);
  }
  for (grpc::Service* service : more) builder.RegisterService(service);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMillisMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.SetResourceQuota(grpc::ResourceQuota("ficus").Resize(TransportBytes(ledger_bytes_)));
  // Two processes must not share a port without noticing.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A small message could inflate to any size.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return Error{ErrorCode::kUnavailable, fmt::format("gRPC cannot listen on {}", address)};
  }
  port_ = static_cast<uint16_t>(port);
  return Ok();
}

void RpcServerImpl::Stop(int64_t grace_nanos) {
  if (server_ == nullptr || stopped_) return;
  stopped_ = true;
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::nanoseconds(grace_nanos));
  server_->Wait();
}

}  // namespace

Result<std::unique_ptr<RpcServer>> RpcServer::Start(RpcContext& context,
                                                    const RpcServerOptions& options,
                                                    const std::vector<grpc::Service*>& more) {
  auto server = std::make_unique<RpcServerImpl>(context);
  RETURN_IF_ERROR(server->Start(options, more));
  return std::unique_ptr<RpcServer>(std::move(server));
}

}  // namespace ficus
