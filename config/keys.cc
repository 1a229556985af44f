#include "config/keys.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "config/quantity.h"
#include "engine/base/suggestion.h"

namespace ficus {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr size_t kTextBytesMax = 4096;
constexpr size_t kLabelsMax = 64;
constexpr size_t kLabelNameBytesMax = 63;
constexpr size_t kLabelValueBytesMax = 256;
constexpr size_t kNameBytesMax = 63;
constexpr size_t kNamedSectionsMax = 256;
constexpr size_t kListItemsMax = 1'000;
constexpr size_t kListItemBytesMax = 256;
constexpr uint64_t kKeptMax = 100'000;

Error Wrong(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// A lambda that gives access to one value of a Config, constant or not.
#define FICUS_AT(member) \
  [](auto& config) -> auto& { return config.member; }

// The same for one value of a remote or backup, whose name the surrounding function has.
#define FICUS_IN(map, member) \
  [name](auto& config) -> auto& { return Entry(config.map, name).member; }

template <typename T>
T& Entry(std::map<std::string, T>& entries, const std::string& name) {
  return entries[name];
}

// Of an entry that does not exist, the defaults.
template <typename T>
const T& Entry(const std::map<std::string, T>& entries, const std::string& name) {
  static const T none;
  const auto found = entries.find(name);
  return found == entries.end() ? none : found->second;
}

template <typename T>
struct Range {
  T least;
  T most;
};

// How often files are looked at.
constexpr Range<nanoseconds> kReloadRange{milliseconds(100), hours(24)};

template <typename T, typename Format>
Result<> CheckRange(T value, const Range<T>& range, Format format) {
  if (value < range.least) {
    return Wrong(fmt::format("is below the least allowed, {}", format(range.least)));
  }
  if (value > range.most) {
    return Wrong(fmt::format("is above the most allowed, {}", format(range.most)));
  }
  return Ok();
}

// A key whose value is parsed by `parse`, bounded by `range` and printed by `format`.
template <typename T, typename Access, typename Parse, typename Format>
ConfigKey Bounded(std::string path, std::string takes, Access access, Range<T> range, Parse parse,
                  Format format) {
  ConfigKey key;
  key.path = std::move(path);
  key.takes = std::move(takes);
  key.set = [=](Config& config, const std::string& text) -> Result<> {
    ASSIGN_OR_RETURN(const auto value, parse(text));
    RETURN_IF_ERROR(CheckRange<T>(value, range, format));
    using Member = std::remove_reference_t<decltype(access(config))>;
    access(config) = static_cast<Member>(value);
    return Ok();
  };
  key.show = [=](const Config& config) { return format(access(config)); };
  return key;
}

template <typename Access>
ConfigKey Size(std::string path, Access access, Range<uint64_t> range) {
  return Bounded<uint64_t>(std::move(path), "a size such as 64MiB", access, range, ParseByteSize,
                           FormatByteSize);
}

template <typename Access>
ConfigKey Duration(std::string path, Access access, Range<nanoseconds> range) {
  return Bounded<nanoseconds>(std::move(path), "a duration such as 5s", access, range,
                              ParseDuration, FormatDuration);
}

template <typename Access>
ConfigKey Percent(std::string path, Access access, Range<uint32_t> range) {
  return Bounded<uint32_t>(std::move(path), "a percentage such as 85%", access, range, ParsePercent,
                           FormatPercent);
}

template <typename Access>
ConfigKey Count(std::string path, Access access, Range<uint64_t> range) {
  return Bounded<uint64_t>(std::move(path), "a whole number", access, range, ParseCount,
                           [](uint64_t count) { return std::to_string(count); });
}

template <typename Access>
ConfigKey Rate(std::string path, Access access, Range<uint64_t> range) {
  return Bounded<uint64_t>(std::move(path), "a rate such as 50MiB/s", access, range, ParseByteRate,
                           FormatByteRate);
}

template <typename Access>
ConfigKey Listen(std::string path, Access access) {
  ConfigKey key;
  key.path = std::move(path);
  key.kind = ConfigKeyKind::kText;
  key.takes = "an address such as 0.0.0.0:17912";
  key.set = [=](Config& config, const std::string& text) -> Result<> {
    ASSIGN_OR_RETURN(access(config), ParseListenAddress(text));
    return Ok();
  };
  key.show = [=](const Config& config) { return FormatListenAddress(access(config)); };
  return key;
}

template <typename Enum>
using Choices = std::vector<std::pair<std::string, Enum>>;

template <typename Enum, typename Access>
ConfigKey Choice(std::string path, Access access, Choices<Enum> choices) {
  std::string all;
  std::vector<std::string> words;
  for (const auto& [word, value] : choices) {
    all += (all.empty() ? "" : ", ") + word;
    words.push_back(word);
  }
  ConfigKey key;
  key.path = std::move(path);
  key.takes = choices.size() == 1 ? "the word " + all : "one of " + all;
  key.set = [=, takes = key.takes](Config& config, const std::string& text) -> Result<> {
    for (const auto& [word, value] : choices) {
      if (word != text) continue;
      access(config) = value;
      return Ok();
    }
    const std::string nearest = NearestWord(text, words);
    return Wrong("is not " + takes + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  };
  key.show = [=](const Config& config) {
    for (const auto& [word, value] : choices) {
      if (value == access(config)) return word;
    }
    return std::string();
  };
  return key;
}

template <typename Access>
ConfigKey Switch(std::string path, Access access) {
  return Choice<bool>(std::move(path), access, {{"true", true}, {"false", false}});
}

// A text without control characters; `check` may refuse more.
template <typename Access, typename Check>
ConfigKey Text(std::string path, std::string takes, Access access, Check check) {
  ConfigKey key;
  key.path = std::move(path);
  key.kind = ConfigKeyKind::kText;
  key.takes = std::move(takes);
  key.set = [=](Config& config, const std::string& text) -> Result<> {
    if (text.size() > kTextBytesMax) {
      return Wrong(fmt::format("is longer than {} bytes", kTextBytesMax));
    }
    const bool has_control = std::any_of(text.begin(), text.end(),
                                         [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (has_control) return Wrong("contains a control character");
    RETURN_IF_ERROR(check(text));
    access(config) = text;
    return Ok();
  };
  key.show = [=](const Config& config) { return std::string(access(config)); };
  return key;
}

Result<> AnyText(const std::string&) { return Ok(); }

Result<> AbsolutePath(const std::string& text) {
  if (text.empty() || text.front() != '/') return Wrong("is not an absolute path");
  return Ok();
}

Result<> AbsolutePathOrEmpty(const std::string& text) {
  return text.empty() ? Ok() : AbsolutePath(text);
}

Result<> LogOutput(const std::string& text) {
  if (text == "stderr" || AbsolutePath(text)) return Ok();
  return Wrong("is neither stderr nor an absolute path");
}

Result<> ApiVersion(const std::string& text) {
  const size_t dot = text.find('.');
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.size() <= 4 &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (dot != std::string::npos && is_number(text.substr(0, dot)) &&
      is_number(text.substr(dot + 1))) {
    return Ok();
  }
  return Wrong("is not a version: write two numbers, for example 0.10");
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> items;
  for (size_t start = 0; !text.empty() && start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    items.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

// Texts, each of which `check` accepts.
template <typename Access, typename Check>
ConfigKey List(std::string path, std::string takes, Access access, Check check) {
  ConfigKey key;
  key.path = std::move(path);
  key.kind = ConfigKeyKind::kList;
  key.takes = std::move(takes);
  key.set = [=](Config& config, const std::string& text) -> Result<> {
    std::vector<std::string> items = SplitList(text);
    if (items.size() > kListItemsMax) {
      return Wrong(fmt::format("has more than {} entries", kListItemsMax));
    }
    for (const std::string& item : items) RETURN_IF_ERROR(check(item));
    access(config) = std::move(items);
    return Ok();
  };
  key.show = [=](const Config& config) {
    std::string text;
    for (const std::string& item : access(config)) text += (text.empty() ? "" : ",") + item;
    return text;
  };
  return key;
}

bool IsNameByte(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// Remotes, backups: short, and fit for a label of a metric.
Result<> CheckName(const std::string& name) {
  if (name.empty() || name.size() > kNameBytesMax || !IsNameByte(name.front()) ||
      name.front() == '-' || !std::all_of(name.begin(), name.end(), IsNameByte)) {
    return Wrong(fmt::format("is not a name of 1 to {} letters, digits, _ or -", kNameBytesMax));
  }
  return Ok();
}

Result<> NameOrEmpty(const std::string& text) { return text.empty() ? Ok() : CheckName(text); }

// A group, or the beginning of groups' names and a star.
Result<> GroupPattern(const std::string& text) {
  const std::string name = text.substr(0, text.size() - (!text.empty() && text.back() == '*'));
  const bool fits = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c > 0x20 && c != 0x7f && c != '*' && c != '/';
  });
  if (text.empty() || text.size() > kListItemBytesMax || !fits) {
    return Wrong("is not the name of a group, nor the beginning of one and a * at its end");
  }
  return Ok();
}

Result<> CatalogName(const std::string& text) {
  static const std::vector<std::string> names = {"measure", "property", "stream"};
  if (std::find(names.begin(), names.end(), text) != names.end()) return Ok();
  const std::string nearest = NearestWord(text, names);
  return Wrong("is not one of measure, property, stream" +
               (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

Result<> StoreUrl(const std::string& text) {
  const size_t end = text.find("://");
  if (end == std::string::npos || end == 0) {
    return Wrong("is not a URL such as file:///var/backups/ficus");
  }
  return Ok();
}

Result<> NotEmpty(const std::string& text) { return text.empty() ? Wrong("is empty") : Ok(); }

// "off", "sample 5%", "full"
Result<VerifyChoice> ParseVerify(const std::string& text) {
  constexpr std::string_view kSample = "sample ";
  if (text == "off") return VerifyChoice{VerifyChoice::Kind::kOff, 0};
  if (text == "full") return VerifyChoice{VerifyChoice::Kind::kFull, 0};
  if (text.substr(0, kSample.size()) == kSample) {
    const Result<uint32_t> percent = ParsePercent(std::string_view(text).substr(kSample.size()));
    if (percent && *percent >= 1) return VerifyChoice{VerifyChoice::Kind::kSample, *percent};
  }
  return Wrong("is not off, full, or sample with 1% to 100%, such as sample 5%");
}

std::string FormatVerify(const VerifyChoice& verify) {
  switch (verify.kind) {
    case VerifyChoice::Kind::kOff:
      return "off";
    case VerifyChoice::Kind::kSample:
      return "sample " + FormatPercent(verify.percent);
    case VerifyChoice::Kind::kFull:
      return "full";
  }
  return "";
}

template <typename Access>
ConfigKey Verify(std::string path, Access access) {
  ConfigKey key;
  key.path = std::move(path);
  key.takes = "off, sample with a percentage, or full";
  key.set = [=](Config& config, const std::string& text) -> Result<> {
    ASSIGN_OR_RETURN(access(config), ParseVerify(text));
    return Ok();
  };
  key.show = [=](const Config& config) { return FormatVerify(access(config)); };
  return key;
}

ConfigKey MemoryLimitKey() {
  ConfigKey key;
  key.path = "memory.limit";
  key.takes = "a percentage such as 70% or a size such as 4GiB";
  key.set = [](Config& config, const std::string& text) -> Result<> {
    ASSIGN_OR_RETURN(const MemoryLimit limit, ParseMemoryLimit(text));
    if (limit.percent != 0) {
      RETURN_IF_ERROR(CheckRange<uint32_t>(limit.percent, {1, 95}, FormatPercent));
    } else {
      RETURN_IF_ERROR(CheckRange<uint64_t>(limit.bytes, {64 * kMiB, 64 * kTiB}, FormatByteSize));
    }
    config.memory.limit = limit;
    return Ok();
  };
  key.show = [](const Config& config) { return FormatMemoryLimit(config.memory.limit); };
  return key;
}

// "zone=fra1,tier=hot"
ConfigKey LabelsKey() {
  ConfigKey key;
  key.path = "node.labels";
  key.kind = ConfigKeyKind::kMap;
  key.takes = "names with texts below them";
  key.set = [](Config& config, const std::string& text) -> Result<> {
    Config changed = config;
    changed.node.labels.clear();
    for (size_t start = 0; start < text.size();) {
      const size_t end = std::min(text.find(',', start), text.size());
      const std::string pair = text.substr(start, end - start);
      const size_t equals = pair.find('=');
      if (equals == std::string::npos) return Wrong("is not of the form name=text,name=text");
      RETURN_IF_ERROR(SetLabel(changed, pair.substr(0, equals), pair.substr(equals + 1)));
      start = end + 1;
    }
    config = std::move(changed);
    return Ok();
  };
  key.show = [](const Config& config) {
    std::string text;
    for (const auto& [name, value] : config.node.labels) {
      text += (text.empty() ? "" : ",") + name + "=" + value;
    }
    return text;
  };
  return key;
}

std::vector<ConfigKey> MakeKeys() {
  std::vector<ConfigKey> keys;
  keys.push_back(Text("node.name", "a text", FICUS_AT(node.name), AnyText));
  keys.push_back(LabelsKey());

  keys.push_back(Text("storage.path", "a path", FICUS_AT(storage.path), AbsolutePath));
  keys.push_back(Choice<DurabilityChoice>(
      "storage.durability", FICUS_AT(storage.durability),
      {{"strict", DurabilityChoice::kStrict}, {"relaxed", DurabilityChoice::kRelaxed}}));
  keys.push_back(Duration("storage.flush.interval", FICUS_AT(storage.flush.interval),
                          {milliseconds(100), hours(1)}));
  keys.push_back(Size("storage.flush.bytes", FICUS_AT(storage.flush.bytes), {kMiB, 16 * kGiB}));
  keys.push_back(
      Text("storage.wal.path", "a path", FICUS_AT(storage.wal.path), AbsolutePathOrEmpty));
  keys.push_back(
      Size("storage.wal.file_bytes", FICUS_AT(storage.wal.file_bytes), {kMiB, 4 * kGiB}));
  keys.push_back(
      Size("storage.wal.max_bytes", FICUS_AT(storage.wal.max_bytes), {4 * kMiB, 16 * kTiB}));
  keys.push_back(
      Duration("storage.wal.max_age", FICUS_AT(storage.wal.max_age), {seconds(1), hours(168)}));
  keys.push_back(Count("storage.merge.threads", FICUS_AT(storage.merge.threads), {1, 256}));
  keys.push_back(
      Size("storage.merge.max_part", FICUS_AT(storage.merge.max_part), {kMiB, 16 * kTiB}));
  keys.push_back(Count("storage.snapshots.keep", FICUS_AT(storage.snapshots.keep), {1, 10'000}));
  keys.push_back(Duration("storage.snapshots.min_age", FICUS_AT(storage.snapshots.min_age),
                          {seconds(0), hours(8'760)}));
  keys.push_back(
      Duration("storage.segment_idle", FICUS_AT(storage.segment_idle), {seconds(1), hours(720)}));

  keys.push_back(Choice<IoEngineChoice>("io.engine", FICUS_AT(io.engine),
                                        {{"auto", IoEngineChoice::kAuto},
                                         {"io_uring", IoEngineChoice::kIoUring},
                                         {"threads", IoEngineChoice::kThreads}}));
  keys.push_back(Count("io.queue_depth", FICUS_AT(io.queue_depth), {8, 4'096}));

  keys.push_back(MemoryLimitKey());
  keys.push_back(Percent("disk.warn", FICUS_AT(disk.warn), {1, 100}));
  keys.push_back(Percent("disk.read_only", FICUS_AT(disk.read_only), {1, 100}));
  keys.push_back(
      Duration("write.max_future", FICUS_AT(write.max_future), {seconds(1), hours(87'600)}));
  keys.push_back(Duration("query.timeout", FICUS_AT(query.timeout), {milliseconds(1), hours(24)}));
  keys.push_back(Choice<DamagedPartsChoice>(
      "query.damaged_parts", FICUS_AT(query.damaged_parts),
      {{"fail", DamagedPartsChoice::kFail}, {"skip", DamagedPartsChoice::kSkip}}));

  keys.push_back(Listen("grpc.listen", FICUS_AT(grpc.listen)));
  keys.push_back(Size("grpc.max_message", FICUS_AT(grpc.max_message), {64 * kKiB, 512 * kMiB}));
  keys.push_back(Switch("grpc.reflection", FICUS_AT(grpc.reflection)));
  keys.push_back(Text("grpc.tls.cert", "a path", FICUS_AT(grpc.tls.cert), AbsolutePathOrEmpty));
  keys.push_back(Text("grpc.tls.key", "a path", FICUS_AT(grpc.tls.key), AbsolutePathOrEmpty));
  keys.push_back(
      Text("grpc.tls.client_ca", "a path", FICUS_AT(grpc.tls.client_ca), AbsolutePathOrEmpty));
  keys.push_back(Duration("grpc.tls.reload", FICUS_AT(grpc.tls.reload), kReloadRange));
  keys.push_back(Listen("http.listen", FICUS_AT(http.listen)));
  keys.push_back(Text("http.tls.cert", "a path", FICUS_AT(http.tls.cert), AbsolutePathOrEmpty));
  keys.push_back(Text("http.tls.key", "a path", FICUS_AT(http.tls.key), AbsolutePathOrEmpty));
  keys.push_back(Duration("http.tls.reload", FICUS_AT(http.tls.reload), kReloadRange));
  keys.push_back(Listen("metrics.listen", FICUS_AT(metrics.listen)));
  keys.push_back(Text("auth.users_file", "a path", FICUS_AT(auth.users_file), AbsolutePathOrEmpty));
  keys.push_back(Switch("auth.health_open", FICUS_AT(auth.health_open)));
  keys.push_back(Switch("auth.insecure", FICUS_AT(auth.insecure)));
  keys.push_back(Duration("auth.reload", FICUS_AT(auth.reload), kReloadRange));

  keys.push_back(Choice<LogLevel>("log.level", FICUS_AT(log.level),
                                  {{"trace", LogLevel::kTrace},
                                   {"debug", LogLevel::kDebug},
                                   {"info", LogLevel::kInfo},
                                   {"warn", LogLevel::kWarn},
                                   {"error", LogLevel::kError}}));
  keys.push_back(Choice<LogFormatChoice>("log.format", FICUS_AT(log.format),
                                         {{"auto", LogFormatChoice::kAuto},
                                          {"text", LogFormatChoice::kText},
                                          {"json", LogFormatChoice::kJson}}));
  keys.push_back(Text("log.output", "stderr or a path", FICUS_AT(log.output), LogOutput));
  keys.push_back(Text("api.version", "a version", FICUS_AT(api.version), ApiVersion));
  keys.push_back(Choice<RestoreOnStartChoice>("restore.on_start", FICUS_AT(restore.on_start),
                                              {{"never", RestoreOnStartChoice::kNever},
                                               {"markers", RestoreOnStartChoice::kMarkers},
                                               {"if_empty", RestoreOnStartChoice::kIfEmpty}}));
  keys.push_back(
      Text("restore.remote", "the name of a remote", FICUS_AT(restore.remote), NameOrEmpty));
  keys.push_back(Count("restore.concurrency", FICUS_AT(restore.concurrency), {1, 256}));
  return keys;
}

std::vector<ConfigKey> RemoteKeys(const std::string& name) {
  const std::string at = "remotes." + name + ".";
  std::vector<ConfigKey> keys;
  keys.push_back(Text(at + "url", "a URL such as file:///var/backups/ficus", FICUS_IN(remotes, url),
                      StoreUrl));
  keys.push_back(Count(at + "retry.attempts", FICUS_IN(remotes, retry.attempts), {1, 100}));
  keys.push_back(
      Duration(at + "retry.first", FICUS_IN(remotes, retry.first), {milliseconds(1), minutes(10)}));
  keys.push_back(
      Duration(at + "retry.max", FICUS_IN(remotes, retry.max), {milliseconds(1), hours(1)}));
  keys.push_back(Count(at + "upload.concurrency", FICUS_IN(remotes, upload.concurrency), {1, 64}));
  keys.push_back(
      Rate(at + "upload.rate_limit", FICUS_IN(remotes, upload.rate_limit), {0, 16 * kTiB}));
  return keys;
}

std::vector<ConfigKey> BackupKeys(const std::string& name) {
  const std::string at = "backups." + name + ".";
  std::vector<ConfigKey> keys;
  keys.push_back(Text(at + "remote", "the name of a remote", FICUS_IN(backups, remote), CheckName));
  keys.push_back(Text(at + "schedule", "a schedule such as 30 1 * * * or @daily",
                      FICUS_IN(backups, schedule), NotEmpty));
  keys.push_back(Text(at + "time_zone", "a time zone such as Europe/Berlin",
                      FICUS_IN(backups, time_zone), NotEmpty));
  keys.push_back(Choice<TimeStyleChoice>(
      at + "time_style", FICUS_IN(backups, time_style),
      {{"hourly", TimeStyleChoice::kHourly}, {"daily", TimeStyleChoice::kDaily}}));
  keys.push_back(Choice<BackupFormChoice>(
      at + "form", FICUS_IN(backups, form),
      {{"released", BackupFormChoice::kReleased}, {"seed", BackupFormChoice::kSeed}}));
  keys.push_back(Duration(at + "jitter", FICUS_IN(backups, jitter), {seconds(0), hours(24)}));
  keys.push_back(List(at + "groups", "a list of groups", FICUS_IN(backups, groups), GroupPattern));
  keys.push_back(
      List(at + "catalogs", "a list of catalogs", FICUS_IN(backups, catalogs), CatalogName));
  keys.push_back(
      Choice<OverlapChoice>(at + "on_overlap", FICUS_IN(backups, on_overlap),
                            {{"skip", OverlapChoice::kSkip}, {"queue", OverlapChoice::kQueue}}));
  keys.push_back(Choice<MissedChoice>(
      at + "missed", FICUS_IN(backups, missed),
      {{"run_once", MissedChoice::kRunOnce}, {"ignore", MissedChoice::kIgnore}}));
  keys.push_back(Verify(at + "verify", FICUS_IN(backups, verify)));
  keys.push_back(Count(at + "keep.hourly", FICUS_IN(backups, keep.hourly), {0, kKeptMax}));
  keys.push_back(Count(at + "keep.daily", FICUS_IN(backups, keep.daily), {0, kKeptMax}));
  keys.push_back(Count(at + "keep.weekly", FICUS_IN(backups, keep.weekly), {0, kKeptMax}));
  keys.push_back(Count(at + "keep.monthly", FICUS_IN(backups, keep.monthly), {0, kKeptMax}));
  keys.push_back(Count(at + "keep.min", FICUS_IN(backups, keep.min), {1, kKeptMax}));
  keys.push_back(Switch(at + "allow_degraded", FICUS_IN(backups, allow_degraded)));
  return keys;
}

// The keys of the remote or backup that `path` lies in or names; empty when it is neither.
std::vector<ConfigKey> NamedKeys(std::string_view path) {
  const size_t dot = path.find('.');
  if (dot == std::string_view::npos || !HasNamedSections(path.substr(0, dot))) return {};
  const std::string name(path.substr(dot + 1, path.find('.', dot + 1) - dot - 1));
  if (!CheckName(name)) return {};
  return path.substr(0, dot) == "remotes" ? RemoteKeys(name) : BackupKeys(name);
}

// The keys and all sections they lie in.
std::vector<std::string> PathsOf(const std::vector<ConfigKey>& keys) {
  std::vector<std::string> paths;
  for (const ConfigKey& key : keys) {
    for (size_t dot = key.path.find('.'); dot != std::string::npos;
         dot = key.path.find('.', dot + 1)) {
      const std::string section = key.path.substr(0, dot);
      if (std::find(paths.begin(), paths.end(), section) == paths.end()) paths.push_back(section);
    }
    paths.push_back(key.path);
  }
  return paths;
}

bool IsBelow(std::string_view path, std::string_view parent) {
  return path.size() > parent.size() + 1 && path.substr(0, parent.size()) == parent &&
         path[parent.size()] == '.';
}

}  // namespace

const std::vector<ConfigKey>& ConfigKeys() {
  static const std::vector<ConfigKey> keys = MakeKeys();
  return keys;
}

std::vector<ConfigKey> ConfigKeysOf(const Config& config) {
  std::vector<ConfigKey> keys;
  const auto add = [&](std::vector<ConfigKey> more) {
    std::move(more.begin(), more.end(), std::back_inserter(keys));
  };
  for (const ConfigKey& key : ConfigKeys()) {
    // What a restore reads from is printed before it.
    if (key.path == "restore.on_start") {
      for (const auto& item : config.remotes) add(RemoteKeys(item.first));
      for (const auto& item : config.backups) add(BackupKeys(item.first));
    }
    keys.push_back(key);
  }
  return keys;
}

std::optional<ConfigKey> FindConfigKey(std::string_view path) {
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.path == path) return key;
    if (key.kind == ConfigKeyKind::kMap && IsBelow(path, key.path)) return key;
  }
  for (ConfigKey& key : NamedKeys(path)) {
    if (key.path == path) return std::move(key);
  }
  return std::nullopt;
}

bool IsConfigSection(std::string_view path) {
  const auto is_above = [&](const ConfigKey& key) { return IsBelow(key.path, path); };
  const std::vector<ConfigKey>& keys = ConfigKeys();
  const std::vector<ConfigKey> named = NamedKeys(path);
  return HasNamedSections(path) || std::any_of(keys.begin(), keys.end(), is_above) ||
         std::any_of(named.begin(), named.end(), is_above);
}

bool HasNamedSections(std::string_view path) { return path == "remotes" || path == "backups"; }

Result<> AddNamedSection(Config& config, std::string_view path, const std::string& name) {
  RETURN_IF_ERROR(CheckName(name));
  const bool is_remote = path == "remotes";
  const bool exists = is_remote ? config.remotes.count(name) != 0 : config.backups.count(name) != 0;
  const size_t count = is_remote ? config.remotes.size() : config.backups.size();
  if (!exists && count == kNamedSectionsMax) {
    return Wrong(fmt::format("is one too many: {} are allowed", kNamedSectionsMax));
  }
  if (is_remote) {
    config.remotes[name];
  } else {
    config.backups[name];
  }
  return Ok();
}

std::string NearestConfigKey(std::string_view path) {
  static const std::vector<std::string> fixed = PathsOf(ConfigKeys());
  std::vector<std::string> paths = fixed;
  paths.insert(paths.end(), {"remotes", "backups"});
  for (std::string& named : PathsOf(NamedKeys(path))) paths.push_back(std::move(named));
  return NearestPath(path, paths);
}

Result<> SetLabel(Config& config, const std::string& name, const std::string& value) {
  const auto is_name_byte = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
  };
  if (name.empty() || name.size() > kLabelNameBytesMax ||
      !std::all_of(name.begin(), name.end(), is_name_byte)) {
    return Wrong(fmt::format("has a label name that is not 1 to {} letters, digits, _, -, . or /",
                             kLabelNameBytesMax));
  }
  const bool has_control = std::any_of(value.begin(), value.end(),
                                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (value.size() > kLabelValueBytesMax || has_control) {
    return Wrong(fmt::format("is longer than {} bytes or contains a control character",
                             kLabelValueBytesMax));
  }
  auto& labels = config.node.labels;
  if (labels.size() == kLabelsMax && labels.count(name) == 0) {
    return Wrong(fmt::format("is one label too many: {} are allowed", kLabelsMax));
  }
  labels[name] = value;
  return Ok();
}

}  // namespace ficus
