// What the operator decides, as plain values: one struct per section of the configuration file.
//
// The values shown are the defaults. What each key means for the operator stands in ficus.yaml,
// which a test compares with this file.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/log.h"

namespace ficus {

inline constexpr uint64_t kKiB = uint64_t{1} << 10;
inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;
inline constexpr uint64_t kTiB = uint64_t{1} << 40;

// Where a server listens. `host` is an IPv4 or IPv6 address without brackets; port 0 lets the
// system choose.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// A part of the machine's memory, or a number of bytes. Exactly one of the two is not 0.
struct MemoryLimit {
  uint32_t percent = 70;
  uint64_t bytes = 0;

  friend bool operator==(const MemoryLimit&, const MemoryLimit&) = default;
};

enum class DurabilityChoice { kStrict, kRelaxed };
enum class IoEngineChoice { kAuto, kIoUring, kThreads };
enum class DamagedPartsChoice { kFail, kSkip };
enum class LogFormatChoice { kAuto, kText, kJson };
enum class RestoreOnStartChoice {
  kNever,
  kMarkers,  // when markers lie below storage.path
  kIfEmpty,  // when storage.path holds no data
};
enum class TimeStyleChoice { kHourly, kDaily };
enum class BackupFormChoice { kReleased, kSeed };
enum class OverlapChoice { kSkip, kQueue };
enum class MissedChoice { kRunOnce, kIgnore };

// What of a backup is read back.
struct VerifyChoice {
  enum class Kind { kOff, kSample, kFull };

  Kind kind = Kind::kSample;
  uint32_t percent = 5;  // of kSample; else 0

  friend bool operator==(const VerifyChoice&, const VerifyChoice&) = default;
};

struct NodeConfig {
  std::string name;  // empty: the host name
  std::map<std::string, std::string> labels;

  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

struct FlushConfig {
  std::chrono::nanoseconds interval = std::chrono::seconds(5);
  uint64_t bytes = 64 * kMiB;

  friend bool operator==(const FlushConfig&, const FlushConfig&) = default;
};

struct WalConfig {
  std::string path;  // empty: <storage.path>/wal
  uint64_t file_bytes = 64 * kMiB;
  uint64_t max_bytes = kGiB;
  std::chrono::nanoseconds max_age = std::chrono::minutes(10);

  friend bool operator==(const WalConfig&, const WalConfig&) = default;
};

struct MergeConfig {
  uint32_t threads = 2;
  uint64_t max_part = 8 * kGiB;

  friend bool operator==(const MergeConfig&, const MergeConfig&) = default;
};

struct SnapshotsConfig {
  uint32_t keep = 10;
  std::chrono::nanoseconds min_age = std::chrono::hours(1);

  friend bool operator==(const SnapshotsConfig&, const SnapshotsConfig&) = default;
};

struct StorageConfig {
  std::string path = "/var/lib/ficus";
  DurabilityChoice durability = DurabilityChoice::kStrict;
  FlushConfig flush;
  WalConfig wal;
  MergeConfig merge;
  SnapshotsConfig snapshots;
  std::chrono::nanoseconds segment_idle = std::chrono::hours(1);

  friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

struct IoConfig {
  IoEngineChoice engine = IoEngineChoice::kAuto;
  uint32_t queue_depth = 256;

  friend bool operator==(const IoConfig&, const IoConfig&) = default;
};

struct MemoryConfig {
  MemoryLimit limit;

  friend bool operator==(const MemoryConfig&, const MemoryConfig&) = default;
};

// Percent of the disk that holds storage.path.
struct DiskConfig {
  uint32_t warn = 85;
  uint32_t read_only = 95;

  friend bool operator==(const DiskConfig&, const DiskConfig&) = default;
};

struct WriteConfig {
  std::chrono::nanoseconds max_future = std::chrono::hours(24);

  friend bool operator==(const WriteConfig&, const WriteConfig&) = default;
};

struct QueryConfig {
  std::chrono::nanoseconds timeout = std::chrono::seconds(60);
  DamagedPartsChoice damaged_parts = DamagedPartsChoice::kFail;

  friend bool operator==(const QueryConfig&, const QueryConfig&) = default;
};

// Without `cert` a listener speaks plain text.
struct TlsConfig {
  std::string cert;  // paths of PEM files
  std::string key;
  std::string client_ca;  // empty: clients need no certificate
  std::chrono::nanoseconds reload = std::chrono::seconds(10);

  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

struct GrpcConfig {
  ListenAddress listen{"0.0.0.0", 17912};
  uint64_t max_message = 16 * kMiB;
  bool reflection = true;
  TlsConfig tls;

  friend bool operator==(const GrpcConfig&, const GrpcConfig&) = default;
};

struct HttpConfig {
  ListenAddress listen{"0.0.0.0", 17913};
  TlsConfig tls;  // without `client_ca`

  friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

struct MetricsConfig {
  ListenAddress listen{"0.0.0.0", 2121};

  friend bool operator==(const MetricsConfig&, const MetricsConfig&) = default;
};

struct AuthConfig {
  std::string users_file;  // empty: nobody has to say who he is
  bool health_open = true;
  bool insecure = false;  // passwords may cross a network in plain text
  std::chrono::nanoseconds reload = std::chrono::seconds(10);

  friend bool operator==(const AuthConfig&, const AuthConfig&) = default;
};

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormatChoice format = LogFormatChoice::kAuto;
  std::string output = "stderr";  // "stderr", or the path of a file

  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

struct ApiConfig {
  std::string version = "0.10";

  friend bool operator==(const ApiConfig&, const ApiConfig&) = default;
};

struct RetryConfig {
  uint32_t attempts = 8;  // the first one included
  std::chrono::nanoseconds first = std::chrono::milliseconds(200);
  std::chrono::nanoseconds max = std::chrono::seconds(20);

  friend bool operator==(const RetryConfig&, const RetryConfig&) = default;
};

struct UploadConfig {
  uint32_t concurrency = 8;
  uint64_t rate_limit = 0;  // bytes per second; 0: none

  friend bool operator==(const UploadConfig&, const UploadConfig&) = default;
};

// A place for backups.
struct RemoteConfig {
  std::string url;  // never empty in a loaded configuration
  RetryConfig retry;
  UploadConfig upload;

  friend bool operator==(const RemoteConfig&, const RemoteConfig&) = default;
};

// How many backups stay: the newest of each of so many hours, days, weeks and months.
struct KeepConfig {
  uint32_t hourly = 24;
  uint32_t daily = 7;
  uint32_t weekly = 4;
  uint32_t monthly = 6;
  uint32_t min = 3;  // whatever their age; at least 1

  friend bool operator==(const KeepConfig&, const KeepConfig&) = default;
};

// A backup that is made again and again. Schedule and zone are kept as text: who runs the job
// understands them.
struct BackupConfig {
  std::string remote;    // a name of `remotes`
  std::string schedule;  // never empty in a loaded configuration
  std::string time_zone = "UTC";
  TimeStyleChoice time_style = TimeStyleChoice::kDaily;
  BackupFormChoice form = BackupFormChoice::kReleased;
  std::chrono::nanoseconds jitter{0};
  std::vector<std::string> groups;    // empty: all; a name may end in '*'
  std::vector<std::string> catalogs;  // empty: all
  OverlapChoice on_overlap = OverlapChoice::kSkip;
  MissedChoice missed = MissedChoice::kRunOnce;
  VerifyChoice verify;
  KeepConfig keep;
  bool allow_degraded = false;

  friend bool operator==(const BackupConfig&, const BackupConfig&) = default;
};

struct RestoreConfig {
  RestoreOnStartChoice on_start = RestoreOnStartChoice::kNever;
  std::string remote;  // a name of `remotes`; empty only with kNever
  uint32_t concurrency = 8;

  friend bool operator==(const RestoreConfig&, const RestoreConfig&) = default;
};

struct Config {
  NodeConfig node;
  StorageConfig storage;
  IoConfig io;
  MemoryConfig memory;
  DiskConfig disk;
  WriteConfig write;
  QueryConfig query;
  GrpcConfig grpc;
  HttpConfig http;
  MetricsConfig metrics;
  AuthConfig auth;
  LogConfig log;
  ApiConfig api;
  std::map<std::string, RemoteConfig> remotes;
  std::map<std::string, BackupConfig> backups;
  RestoreConfig restore;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace ficus
