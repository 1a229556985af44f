#include "server/daemon/daemon.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <unistd.h>

#include "config/config_files.h"
#include "config/machine_memory.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/database/database.h"
#include "engine/io/disk_file_system.h"
#include "engine/io/fault_control.h"
#include "engine/io/publish.h"
#include "engine/runtime/executor.h"
#include "server/backup/restore_on_start.h"
#include "server/daemon/backups.h"
#include "server/daemon/config_changes.h"
#include "server/daemon/database_metrics.h"
#include "server/daemon/log_settings.h"
#include "server/daemon/security.h"
#include "server/http/http_server.h"
#include "server/http/routes.h"
#include "server/observability/build_info.h"
#include "server/observability/health.h"
#include "server/observability/health_metrics.h"
#include "server/observability/memory_metrics.h"
#include "server/observability/process_metrics.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/database_upkeep.h"
#include "server/rpc/rpc_server.h"

namespace ficus {
namespace {

// Whoever stops the node waits ten seconds before it is killed.
constexpr int64_t kStopGraceNanos = 4 * kNanosPerSecond;
constexpr std::chrono::seconds kStopFlushGrace{4};
constexpr std::chrono::milliseconds kHttpStopGrace{500};
constexpr int64_t kHealthIntervalNanos = kNanosPerSecond;

IoEngine EngineOf(IoEngineChoice choice) {
  switch (choice) {
    case IoEngineChoice::kAuto:
      return IoEngine::kAuto;
    case IoEngineChoice::kIoUring:
      return IoEngine::kUring;
    case IoEngineChoice::kThreads:
      return IoEngine::kThreads;
  }
  return IoEngine::kAuto;
}

RestorePolicy PolicyOf(RestoreOnStartChoice on_start) {
  switch (on_start) {
    case RestoreOnStartChoice::kNever:
      return RestorePolicy::kNever;
    case RestoreOnStartChoice::kMarkers:
      return RestorePolicy::kMarkers;
    case RestoreOnStartChoice::kIfEmpty:
      return RestorePolicy::kIfEmpty;
  }
  return RestorePolicy::kNever;
}

std::string HostName() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

// Creates the folder and its parents where they are missing.
Result<> EnsureFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return Error{ErrorCode::kIo, fmt::format("create {}: {}", path, error.message())};
  }
  return Ok();
}

DamagedParts DamagedPartsOf(DamagedPartsChoice choice) {
  return choice == DamagedPartsChoice::kFail ? DamagedParts::kFail : DamagedParts::kSkip;
}

// "log.level, query.timeout", or "none".
std::string ListOf(const std::vector<std::string>& keys) {
  std::string list;
  for (const std::string& key : keys) list += (list.empty() ? "" : ", ") + key;
  return list.empty() ? "none" : list;
}

uint32_t CoreCount() { return std::max(1u, std::thread::hardware_concurrency()); }

class DaemonImpl final : public Daemon, public NodeConfiguration {
 public:
  DaemonImpl(const Config& config, LoadConfig load_again)
      : config_(config),
        load_again_(std::move(load_again)),
        node_name_(config.node.name.empty() ? HostName() : config.node.name),
        log_executor_(ThreadExecutor::Create("log", 1)),
        introduce_executor_(ThreadExecutor::Create("introduce", 1)),
        flush_executor_(ThreadExecutor::Create("flush", 1, ThreadPriority::kBackground)),
        merge_executor_(ThreadExecutor::Create("merge", config.storage.merge.threads,
                                               ThreadPriority::kBackground)),
        background_executor_(ThreadExecutor::Create("background", 1)),
        watch_executor_(ThreadExecutor::Create("watch", 1)),
        write_executor_(ThreadExecutor::Create("write", 1)),
        query_executor_(ThreadExecutor::Create("query", CoreCount())),
        schedule_executor_(ThreadExecutor::Create("schedule", 1)) {}
  ~DaemonImpl() override { Stop(); }

  Result<> Start(const std::stop_token& stop);
  uint16_t grpc_port() const override { return rpc_->port(); }
  uint16_t http_port() const override { return http_->port(0); }
  uint16_t metrics_port() const override { return http_->port(1); }
  Result<ReloadReport> Reload() override;
  void Stop() override;

 private:
  Result<> MakeLedger();
  Result<> StartSecurity();
  Result<> OpenFileSystems();
  Result<> StageRestore(const std::stop_token& stop);
  Result<> OpenDatabase(const std::stop_token& stop);
  Result<> StartBackups();
  Result<> StartHttp();
  Result<> StartRpc();
  DatabaseOptions OptionsForDatabase() const;
  void AddMetrics();
  Result<ReloadReport> TryReload() REQUIRES(reload_mutex_);
  void TakeOver(const Config& applied);
  void WatchHealth();
  void FlushBeforeStop();

  const Config config_;  // that the node was started with
  const LoadConfig load_again_;
  const std::string node_name_;
  SystemClock clock_;
  SystemRandom random_;
  MetricRegistry metrics_;
  Health health_;
  Gauge& reload_success_ =
      metrics_.AddGauge("ficus_config_last_reload_success",
                        "0 while the configuration that was read last cannot be taken over.");
  Mutex reload_mutex_;
  Config running_ GUARDED_BY(reload_mutex_) = config_;  // with what was taken over since
  std::atomic<uint32_t> disk_warn_{config_.disk.warn};
  std::unique_ptr<Security> security_;
  std::unique_ptr<MemoryLedger> ledger_;
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<FileSystem> log_fs_;
  std::unique_ptr<FaultControl> faults_;  // of tests; null in what is shipped
  std::unique_ptr<ThreadExecutor> log_executor_;
  std::unique_ptr<ThreadExecutor> introduce_executor_;
  std::unique_ptr<ThreadExecutor> flush_executor_;
  std::unique_ptr<ThreadExecutor> merge_executor_;
  std::unique_ptr<ThreadExecutor> background_executor_;
  std::unique_ptr<ThreadExecutor> watch_executor_;
  std::unique_ptr<ThreadExecutor> write_executor_;
  std::unique_ptr<ThreadExecutor> query_executor_;
  std::unique_ptr<ThreadExecutor> schedule_executor_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<DatabaseUpkeep> upkeep_;
  std::unique_ptr<Backups> backups_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<RpcContext> rpc_context_;
  std::unique_ptr<RpcServer> rpc_;
  std::unique_ptr<HttpServer> http_;
  std::vector<std::shared_ptr<void>> handles_;  // of collectors and listeners
  bool stopped_ = false;
};

Result<> DaemonImpl::MakeLedger() {
  ASSIGN_OR_RETURN(const MachineMemory memory, DetectMachineMemory(DiskConfigFiles()));
  ASSIGN_OR_RETURN(const uint64_t limit, MemoryLimitBytes(config_.memory.limit, memory));
  ledger_ = std::make_unique<MemoryLedger>(limit);
  // Together more than the whole, because they rarely peak at once; the whole bounds the sum.
  ledger_->SetShare(MemoryConsumer::kMemParts, limit / 2);
  ledger_->SetShare(MemoryConsumer::kQueries, limit * 2 / 5);
  ledger_->SetShare(MemoryConsumer::kRequests, limit / 5);
  ledger_->SetShare(MemoryConsumer::kReplies, limit / 5);
  ledger_->SetShare(MemoryConsumer::kCaches, limit / 5);
  LogInfo("memory.limit", "{} MiB of {} MiB ({})", limit / kMiB, memory.bytes / kMiB,
          memory.source);
  return Ok();
}

Result<> DaemonImpl::StartSecurity() {
  ASSIGN_OR_RETURN(SecurityFiles files, ReadSecurityFiles(config_));
  security_ = std::make_unique<Security>(config_, std::move(files),
                                         Security::Parts{random_, clock_, metrics_});
  return Ok();
}

Result<> DaemonImpl::OpenFileSystems() {
  const std::string log_path =
      config_.storage.wal.path.empty() ? config_.storage.path + "/wal" : config_.storage.wal.path;
  RETURN_IF_ERROR(EnsureFolder(config_.storage.path));
  RETURN_IF_ERROR(EnsureFolder(log_path));
  DiskOptions options;
  options.engine = EngineOf(config_.io.engine);
  options.queue_depth = config_.io.queue_depth;
  options.metrics = &metrics_;
  ASSIGN_OR_RETURN(fs_, OpenDiskFileSystem(config_.storage.path, options));
  ASSIGN_OR_RETURN(log_fs_, OpenDiskFileSystem(log_path, options));
  ASSIGN_OR_RETURN(faults_, FaultControl::FromEnvironment());
  if (faults_ != nullptr) {
    fs_ = faults_->Wrap(std::move(fs_));
    log_fs_ = faults_->Wrap(std::move(log_fs_));
  }
  LogInfo("io.engine", "{} on {}", fs_->engine(), config_.storage.path);
  return Ok();
}

DatabaseOptions DaemonImpl::OptionsForDatabase() const {
  const StorageConfig& storage = config_.storage;
  DatabaseOptions options;
  options.log.file_bytes = storage.wal.file_bytes;
  options.log.durability =
      storage.durability == DurabilityChoice::kStrict ? Durability::kStrict : Durability::kRelaxed;
  options.table.flush_interval_nanos = storage.flush.interval.count();
  options.table.flush_bytes = storage.flush.bytes;
  options.table.merge.output_bytes_max = storage.merge.max_part;
  options.log_bytes_max = storage.wal.max_bytes;
  options.log_age_nanos = storage.wal.max_age.count();
  options.segment_idle_nanos = storage.segment_idle.count();
  options.future_nanos_max = config_.write.max_future.count();
  options.disk_read_only_percent = config_.disk.read_only;
  options.snapshots = {storage.snapshots.keep, storage.snapshots.min_age.count()};
  options.accept_log_loss = fs_->Status(kAcceptLogLossFile).has_value();
  return options;
}

Result<> DaemonImpl::OpenDatabase(const std::stop_token& stop) {
  DatabaseEnvironment environment{*fs_,
                                  *log_fs_,
                                  clock_,
                                  random_,
                                  *ledger_,
                                  metrics_,
                                  *log_executor_,
                                  *introduce_executor_,
                                  *flush_executor_,
                                  *merge_executor_,
                                  *background_executor_,
                                  *watch_executor_,
                                  {}};
  DatabaseOptions options = OptionsForDatabase();
  options.stop = stop;
  ASSIGN_OR_RETURN(database_, Database::Open(std::move(environment), options));
  if (options.accept_log_loss) {
    LogWarn("log.loss_accepted", "the node started although its log had lost batches");
    RETURN_IF_ERROR(fs_->Remove(kAcceptLogLossFile));
    RETURN_IF_ERROR(fs_->SyncDirectory(""));
  }
  return Ok();
}

// What the configuration wants restored before the node opens.
Result<> DaemonImpl::StageRestore(const std::stop_token& stop) {
  if (config_.restore.on_start == RestoreOnStartChoice::kNever) return Ok();
  const auto remote = config_.remotes.find(config_.restore.remote);
  if (remote == config_.remotes.end()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("restore.remote: no remote is called '{}'", config_.restore.remote)};
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<ObjectStore> store,
                   OpenRemote(remote->first, remote->second, &metrics_));
  RestoreOnStart wanted;
  wanted.policy = PolicyOf(config_.restore.on_start);
  wanted.concurrency = config_.restore.concurrency;
  ASSIGN_OR_RETURN(const std::optional<RestoreOutcome> staged,
                   StageRestoreOnStart({*fs_, *store, clock_, random_}, wanted, stop));
  if (staged.has_value()) {
    LogInfo("restore.staged", "{} of {}: {} files, {} bytes", staged->journal.timedir, store->url(),
            staged->progress.files, staged->progress.bytes);
  }
  return Ok();
}

Result<> DaemonImpl::StartBackups() {
  ASSIGN_OR_RETURN(backups_, Backups::Start(config_, {*fs_, clock_, random_, metrics_, *database_,
                                                      *schedule_executor_}));
  upkeep_ = std::make_unique<DatabaseUpkeep>(*database_);
  admin_ = std::make_unique<AdminService>(
      AdminParts{clock_, *ledger_, *upkeep_, backups_->service(), *backups_, *backups_, *this});
  return Ok();
}

Result<> DaemonImpl::StartHttp() {
  HttpListener http{"http", config_.http.listen.host, config_.http.listen.port, {}};
  http.protection = {security_->http_certificates(), security_->authenticator(), {}};
  if (config_.auth.health_open) http.protection.open_paths = HealthPaths();
  AddHealthRoutes(http.router, health_);
  AddMetricsRoute(http.router, metrics_);
  HttpListener metrics{"metrics", config_.metrics.listen.host, config_.metrics.listen.port, {}};
  AddMetricsRoute(metrics.router, metrics_);
  std::vector<HttpListener> listeners;
  listeners.push_back(std::move(http));
  listeners.push_back(std::move(metrics));
  ASSIGN_OR_RETURN(http_, HttpServer::Start(std::move(listeners), {}, metrics_));
  return Ok();
}

Result<> DaemonImpl::StartRpc() {
  // NOLINTNEXTLINE(modernize-make-unique): it names its members, and it cannot be moved.
  rpc_context_.reset(new RpcContext{
      .database = *database_,
      .clock = clock_,
      .random = random_,
      .ledger = *ledger_,
      .metrics = metrics_,
      .write_executor = *write_executor_,
      .query_executor = *query_executor_,
      .query_timeout_nanos = config_.query.timeout.count(),
      .damaged_parts = DamagedPartsOf(config_.query.damaged_parts),
      .future_nanos_max = config_.write.max_future.count(),
      .api_version = config_.api.version,
      .build_revision = GetBuildInfo().version,
      .node_name = node_name_,
      .grpc_address = fmt::format("{}:{}", node_name_, config_.grpc.listen.port),
      .http_address = fmt::format("{}:{}", node_name_, config_.http.listen.port),
      .labels = config_.node.labels,
  });
  ASSIGN_OR_RETURN(rpc_, RpcServer::Start(*rpc_context_,
                                          {.host = config_.grpc.listen.host,
                                           .port = config_.grpc.listen.port,
                                           .max_message_bytes = config_.grpc.max_message,
                                           .reflection = config_.grpc.reflection,
                                           .protection = security_->grpc()},
                                          {admin_.get()}));
  return Ok();
}

void DaemonImpl::AddMetrics() {
  AddBuildInfoMetric(metrics_);
  handles_.push_back(AddProcessMetrics(metrics_, clock_.Now()));
  handles_.push_back(AddLedgerMetrics(metrics_, *ledger_));
  handles_.push_back(AddAllocatorMetrics(metrics_));
  handles_.push_back(AddHealthMetrics(metrics_, health_));
  handles_.push_back(AddDatabaseMetrics(metrics_, *database_));
}

void DaemonImpl::WatchHealth() {
  if (const auto read_only = database_->ReadOnly(); read_only.has_value()) {
    health_.Set("storage", HealthLevel::kDegraded, read_only->reason);
  } else {
    health_.Clear("storage");
  }
  const Result<SpaceStatus> space = fs_->Space();
  if (space.has_value() && space->total_bytes > 0) {
    const uint64_t used = (space->total_bytes - space->free_bytes) * 100 / space->total_bytes;
    if (used >= disk_warn_) {
      health_.Set("disk", HealthLevel::kDegraded, fmt::format("{} % full", used));
    } else {
      health_.Clear("disk");
    }
  }
  watch_executor_->PostAfter(kHealthIntervalNanos, [this] { WatchHealth(); });
}

Result<> DaemonImpl::Start(const std::stop_token& stop) {
  reload_success_.Set(1);
  RETURN_IF_ERROR(MakeLedger());
  RETURN_IF_ERROR(StartSecurity());
  RETURN_IF_ERROR(OpenFileSystems());
  // Probes are answered while the log is replayed.
  RETURN_IF_ERROR(StartHttp());
  RETURN_IF_ERROR(StageRestore(stop));
  RETURN_IF_ERROR(OpenDatabase(stop));
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "the start was stopped"};
  AddMetrics();
  RETURN_IF_ERROR(StartBackups());
  RETURN_IF_ERROR(StartRpc());
  handles_.push_back(
      health_.Listen([this](const HealthReport& report) { rpc_->SetServing(report.ready()); }));
  health_.Clear("start");
  watch_executor_->Post([this] { WatchHealth(); });
  LogInfo("daemon.ready", "{} node {}: gRPC {}:{}, HTTP {}:{}, metrics {}:{}", BuildInfoLine(),
          node_name_, config_.grpc.listen.host, grpc_port(), config_.http.listen.host, http_port(),
          config_.metrics.listen.host, metrics_port());
  return Ok();
}

Result<ReloadReport> DaemonImpl::Reload() {
  MutexLock lock(reload_mutex_);
  Result<ReloadReport> report = TryReload();
  reload_success_.Set(report.has_value() ? 1 : 0);
  if (report.has_value()) {
    LogInfo("config.reloaded", "taken over: {}; from the next start on: {}",
            ListOf(report->changed), ListOf(report->need_restart));
  } else {
    LogError("config.reload_failed", "nothing was taken over: {}", report.error().message);
  }
  return report;
}

// Everything that can fail comes first.
Result<ReloadReport> DaemonImpl::TryReload() {
  ASSIGN_OR_RETURN(const LoadedConfig loaded, load_again_());
  ConfigChanges changes = CompareConfigs(running_, loaded.config);
  ASSIGN_OR_RETURN(SecurityFiles files, ReadSecurityFiles(changes.applied));
  if (!ConfigureLog(LogSettingsOf(changes.applied.log, ::isatty(STDERR_FILENO) == 1))) {
    return Error{ErrorCode::kIo, "log.output: cannot write " + changes.applied.log.output};
  }
  security_->Apply(changes.applied, std::move(files));
  TakeOver(changes.applied);
  running_ = std::move(changes.applied);
  return ReloadReport{std::move(changes.changed), std::move(changes.need_restart)};
}

void DaemonImpl::TakeOver(const Config& applied) {
  disk_warn_ = applied.disk.warn;
  rpc_context_->query_timeout_nanos = applied.query.timeout.count();
  rpc_context_->damaged_parts = DamagedPartsOf(applied.query.damaged_parts);
}

// What is in files need not be replayed by the next start. The log has all of it, so a disk that is
// too slow costs time then, not rows.
void DaemonImpl::FlushBeforeStop() {
  const auto flushed = std::make_shared<std::promise<Result<>>>();
  std::future<Result<>> outcome = flushed->get_future();
  database_->FlushAll([flushed](Result<> result) { flushed->set_value(std::move(result)); });
  if (outcome.wait_for(kStopFlushGrace) != std::future_status::ready) {
    LogWarn("daemon.flush", "not finished within {} s: the next start replays the rest",
            kStopFlushGrace.count());
    return;
  }
  const Result<> result = outcome.get();
  if (!result.has_value()) {
    LogWarn("daemon.flush", "the next start replays the rest: {}", result.error().ToString());
  }
}

void DaemonImpl::Stop() {
  if (stopped_) return;
  stopped_ = true;
  health_.Set("stop", HealthLevel::kNotReady, "stopping");
  if (admin_ != nullptr) admin_->Shut();
  if (security_ != nullptr) security_->Close();
  if (rpc_ != nullptr) rpc_->Stop(kStopGraceNanos);
  if (admin_ != nullptr) admin_->Close();
  if (backups_ != nullptr) backups_->Close();
  schedule_executor_->Close();
  query_executor_->Close();
  if (database_ != nullptr) {
    FlushBeforeStop();
    database_->Close();
  }
  handles_.clear();
  if (http_ != nullptr) http_->Stop(kHttpStopGrace);
  for (ThreadExecutor* executor :
       {write_executor_.get(), watch_executor_.get(), background_executor_.get(),
        merge_executor_.get(), flush_executor_.get(), introduce_executor_.get(),
        log_executor_.get()}) {
    executor->Close();
  }
  rpc_.reset();
  admin_.reset();
  backups_.reset();
  upkeep_.reset();
  database_.reset();
  if (fs_ != nullptr) LogInfo("daemon.stopped", "everything acknowledged is durable");
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, LoadConfig load_again,
                                              std::stop_token stop) {
  try {
    auto daemon = std::make_unique<DaemonImpl>(config, std::move(load_again));
    RETURN_IF_ERROR(daemon->Start(stop));
    return std::unique_ptr<Daemon>(std::move(daemon));
  } catch (const std::system_error& refused) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("start the threads of the node: {}", refused.what())};
  }
}

}  // namespace ficus
