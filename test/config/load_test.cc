#include "config/load.h"

#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/core.h>

#include "config/keys.h"
#include "config/show.h"
#include "config/yaml_tree.h"

namespace ficus {
namespace {

using Files = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

constexpr const char* kFile = "/etc/ficus/f.yaml";

ConfigSources FromFile() {
  ConfigSources sources;
  sources.file = kFile;
  return sources;
}

ConfigCheck CheckText(const std::string& text) {
  return CheckConfig(FromFile(), MemoryConfigFiles(Files{{kFile, text}}));
}

// Every mistake as the operator sees it.
Lines Told(const ConfigCheck& check) {
  Lines lines;
  for (const ConfigMistake& mistake : check.mistakes) lines.push_back(mistake.ToString());
  return lines;
}

// The only mistake in `text`, without the name of the file.
std::string Mistake(const std::string& text) {
  const Lines lines = Told(CheckText(text));
  CAPTURE(text, lines);
  REQUIRE(lines.size() == 1);
  REQUIRE(lines[0].substr(0, 17) == "/etc/ficus/f.yaml");
  return lines[0].substr(18);
}

Config Load(const std::string& text) {
  const ConfigCheck check = CheckText(text);
  CAPTURE(text, Told(check));
  REQUIRE(check.mistakes.empty());
  return check.loaded.config;
}

TEST_CASE("without sources there are the defaults", "[config]") {
  const Result<LoadedConfig> loaded = LoadConfig({}, MemoryConfigFiles(Files()));
  REQUIRE(loaded);
  REQUIRE(loaded->config == Config());
  REQUIRE(loaded->Origin("storage.path") == ConfigOrigin{});
}

TEST_CASE("every key can be set in a file", "[config]") {
  const Config config = Load(R"(
node: {name: n1, labels: {zone: fra1, "tier": hot}}
storage:
  path: /data
  durability: relaxed
  flush: {interval: 7s, bytes: 32MiB}
  wal: {path: /log, file_bytes: 16MiB, max_bytes: 512MiB, max_age: 5m}
  merge: {threads: 3, max_part: 1GiB}
  snapshots: {keep: 7, min_age: 10m}
  segment_idle: 2h
io: {engine: threads, queue_depth: 64}
memory: {limit: 4GiB}
disk: {warn: 70%, read_only: 80%}
write: {max_future: 1h}
query: {timeout: 10s, damaged_parts: skip}
grpc: {listen: "127.0.0.1:1", max_message: 4MiB, reflection: false}
http: {listen: "[::1]:2"}
metrics: {listen: ":3"}
log: {level: debug, format: json, output: /var/log/ficus.log}
api: {version: "0.9"}
remotes:
  disk:
    url: file:///b
    retry: {attempts: 3, first: 1s, max: 2s}
    upload: {concurrency: 2, rate_limit: 50MiB/s}
  other: {url: "file:///c"}
backups:
  nightly:
    remote: disk
    schedule: "30 1 * * *"
    time_zone: Europe/Berlin
    time_style: hourly
    form: seed
    jitter: 2m
    groups: [sw_metric, "sw_record*"]
    catalogs: [measure]
    on_overlap: queue
    missed: ignore
    verify: sample 7%
    keep: {hourly: 1, daily: 2, weekly: 0, monthly: 4, min: 5}
    allow_degraded: true
  weekly: {remote: other, schedule: "@weekly", verify: full, groups: []}
restore: {on_start: if_empty, remote: disk, concurrency: 4}
)");
  Config expected;
  expected.node.name = "n1";
  expected.node.labels = {{"zone", "fra1"}, {"tier", "hot"}};
  expected.storage.path = "/data";
  expected.storage.durability = DurabilityChoice::kRelaxed;
  expected.storage.flush.interval = std::chrono::seconds(7);
  expected.storage.flush.bytes = 32 * kMiB;
  expected.storage.wal.path = "/log";
  expected.storage.wal.file_bytes = 16 * kMiB;
  expected.storage.wal.max_bytes = 512 * kMiB;
  expected.storage.wal.max_age = std::chrono::minutes(5);
  expected.storage.merge.threads = 3;
  expected.storage.merge.max_part = kGiB;
  expected.storage.segment_idle = std::chrono::hours(2);
  expected.io.engine = IoEngineChoice::kThreads;
  expected.io.queue_depth = 64;
  expected.memory.limit = {0, 4 * kGiB};
  expected.disk.warn = 70;
  expected.disk.read_only = 80;
  expected.write.max_future = std::chrono::hours(1);
  expected.query.timeout = std::chrono::seconds(10);
  expected.query.damaged_parts = DamagedPartsChoice::kSkip;
  expected.grpc.listen = {"127.0.0.1", 1};
  expected.grpc.max_message = 4 * kMiB;
  expected.grpc.reflection = false;
  expected.http.listen = {"::1", 2};
  expected.metrics.listen = {"0.0.0.0", 3};
  expected.log.level = LogLevel::kDebug;
  expected.log.format = LogFormatChoice::kJson;
  expected.log.output = "/var/log/ficus.log";
  expected.api.version = "0.9";
  expected.storage.snapshots = {7, std::chrono::minutes(10)};
  expected.remotes["disk"] = {
      "file:///b", {3, std::chrono::seconds(1), std::chrono::seconds(2)}, {2, 50 * kMiB}};
  expected.remotes["other"].url = "file:///c";
  BackupConfig nightly;
  nightly.remote = "disk";
  nightly.schedule = "30 1 * * *";
  nightly.time_zone = "Europe/Berlin";
  nightly.time_style = TimeStyleChoice::kHourly;
  nightly.form = BackupFormChoice::kSeed;
  nightly.jitter = std::chrono::minutes(2);
  nightly.groups = {"sw_metric", "sw_record*"};
  nightly.catalogs = {"measure"};
  nightly.on_overlap = OverlapChoice::kQueue;
  nightly.missed = MissedChoice::kIgnore;
  nightly.verify = {VerifyChoice::Kind::kSample, 7};
  nightly.keep = {1, 2, 0, 4, 5};
  nightly.allow_degraded = true;
  expected.backups["nightly"] = nightly;
  BackupConfig weekly;
  weekly.remote = "other";
  weekly.schedule = "@weekly";
  weekly.verify = {VerifyChoice::Kind::kFull, 0};
  expected.backups["weekly"] = weekly;
  expected.restore = {RestoreOnStartChoice::kIfEmpty, "disk", 4};
  REQUIRE(config == expected);
}

TEST_CASE("an empty file and empty sections leave the defaults", "[config]") {
  const std::string text = GENERATE("", "# nothing\n", "storage:\nnode:\n  labels:\n", "{}");
  REQUIRE(Load(text) == Config());
}

TEST_CASE("the annotated file holds every key with its default", "[config]") {
  ConfigSources sources;
  sources.file = "config/ficus.yaml";
  const ConfigCheck check = CheckConfig(sources, DiskConfigFiles());
  REQUIRE(Told(check) == Lines());
  REQUIRE(check.loaded.config == Config());
  for (const ConfigKey& key : ConfigKeys()) {
    CAPTURE(key.path);
    if (key.kind == ConfigKeyKind::kMap) continue;
    REQUIRE(check.loaded.Origin(key.path).kind == ConfigOrigin::Kind::kFile);
  }
  const Result<std::string> text = DiskConfigFiles().Read(sources.file, kYamlBytesMax);
  REQUIRE_THAT(*text, Catch::Contains("labels: {}"));
}

TEST_CASE("the examples of the annotated file are the defaults of remotes and backups",
          "[config]") {
  const Result<std::string> text = DiskConfigFiles().Read("config/ficus.yaml", kYamlBytesMax);
  REQUIRE(text);
  // The lines behind "#" below the two keys, as an operator uncomments them.
  std::string uncommented;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.substr(0, 8) == "remotes:" || line.substr(0, 8) == "backups:") {
      uncommented += line.substr(0, 8) + "\n";
    } else {
      uncommented += (line.substr(0, 3) == "#  " ? line.substr(1) : line) + "\n";
    }
  }
  const ConfigCheck check = CheckText(uncommented);
  REQUIRE(Told(check) == Lines());
  Config expected;
  expected.remotes["disk"].url = "file:///var/backups/ficus";
  expected.backups["nightly"].remote = "disk";
  expected.backups["nightly"].schedule = "30 1 * * *";
  REQUIRE(check.loaded.config == expected);
  for (const ConfigKey& key : ConfigKeysOf(expected)) {
    CAPTURE(key.path);
    if (key.kind == ConfigKeyKind::kMap) continue;
    REQUIRE(check.loaded.Origin(key.path).kind == ConfigOrigin::Kind::kFile);
  }
}

TEST_CASE("remotes and backups can be given by variables and flags", "[config]") {
  ConfigSources sources;
  sources.environment = {{"FICUS_REMOTES__DISK__URL", "file:///b"}};
  sources.flags = {{"--set", "backups.by-hour.remote", "disk"},
                   {"--set", "backups.by-hour.schedule", "@hourly"},
                   {"--set", "backups.by-hour.groups", "a,b*"}};
  const ConfigCheck check = CheckConfig(sources, MemoryConfigFiles(Files()));
  REQUIRE(Told(check) == Lines());
  REQUIRE(check.loaded.config.remotes.at("disk").url == "file:///b");
  REQUIRE(check.loaded.config.backups.at("by-hour").groups == Lines{"a", "b*"});
  sources.flags.pop_back();
  sources.flags.pop_back();
  REQUIRE(Told(CheckConfig(sources, MemoryConfigFiles(Files()))) ==
          Lines{"--set: backups.by-hour: schedule is missing"});
}

TEST_CASE("each mistake is told with its place and what was meant", "[config][mistake]") {
  const auto [text, mistake] = GENERATE(table<std::string, std::string>({
      // Keys
      {"storage:\n  pth: /x\n", "2:3: storage.pth: unknown key; did you mean storage.path?"},
      {"stroage: {path: /x}\n", "1:1: stroage: unknown key; did you mean storage?"},
      {"wal: {path: /x}\n", "1:1: wal: unknown key; did you mean storage.wal?"},
      {"storage: {listen: x}\n", "1:11: storage.listen: unknown key; did you mean grpc.listen?"},
      {"storage: {time_zone: UTC}\n", "1:11: storage.time_zone: unknown key"},
      {"frobnicate: 1\n", "1:1: frobnicate: unknown key"},
      {"\"a\\nb\": 1\n", "1:1: a\\x0ab: unknown key"},
      {"storage.path: /x\n",
       "1:1: storage.path: write it as a section: storage:, and path: below it"},
      {"storage:\n  path: /x\n  path: /y\n", "3:3: storage.path: given twice; first in line 2"},
      {"io: {engine: auto}\nio: {engine: threads}\n", "2:1: io: given twice; first in line 1"},
      {"node: {labels: {a: 1, a: 2}}\n", "1:23: node.labels.a: given twice; first in line 1"},
      // Shapes
      {"- a\n", "1:1: the file must hold sections, such as storage:"},
      {"hello\n", "1:1: the file must hold sections, such as storage:"},
      {"storage: /x\n", "1:10: storage: is a section: its keys go below it"},
      {"storage: [a]\n", "1:10: storage: is a section: its keys go below it"},
      {"storage: {wal: 1}\n", "1:16: storage.wal: is a section: its keys go below it"},
      {"storage: {path: [a]}\n", "1:17: storage.path: takes a path, not a list"},
      {"storage: {path: }\n", "1:11: storage.path: has no value; it takes a path"},
      {"storage:\n  path:\n", "2:3: storage.path: has no value; it takes a path"},
      {"io:\n  engine: ~\n",
       "2:3: io.engine: has no value; it takes one of auto, io_uring, threads"},
      {"io: {queue_depth: {a: 1}}\n", "1:19: io.queue_depth: takes a whole number, not a section"},
      {"grpc: {max_message: {file: /x}}\n",
       "1:21: grpc.max_message: takes a size such as 64MiB, not a section"},
      {"node: {labels: x}\n", "1:16: node.labels: takes names with texts below them"},
      {"node: {labels: {a: [1]}}\n", "1:20: node.labels.a: takes a text, not a list"},
      {"node: {labels: {a: }}\n", "1:17: node.labels.a: has no value; it takes a text"},
      // Remotes and backups
      {"remotes: {disk: {ulr: x}}\n",
       "1:18: remotes.disk.ulr: unknown key; did you mean remotes.disk.url?"},
      {"remote: {disk: {url: x}}\n", "1:1: remote: unknown key; did you mean remotes?"},
      {"remotes: {disk: {retry: {atempts: 3}}}\n",
       "1:26: remotes.disk.retry.atempts: unknown key; did you mean remotes.disk.retry.attempts?"},
      {"remotes: {disk: {region: eu}}\n",
       "1:18: remotes.disk.region: unknown key; did you mean remotes.disk.retry?"},
      {"remotes: {a b: {url: x}}\n",
       "1:11: remotes: \"a b\" is not a name of 1 to 63 letters, digits, _ or -"},
      {"remotes: {d: {url: /x}}\n",
       "1:20: remotes.d.url: \"/x\" is not a URL such as file:///var/backups/ficus"},
      {"remotes: {d: {url: \"file:///x\"}, d: {}}\n",
       "1:34: remotes.d: given twice; first in line 1"},
      {"remotes:\n  disk:\n", "2:3: remotes.disk: url is missing"},
      {"remotes: {d: file:///x}\n", "1:14: remotes.d: is a section: its keys go below it"},
      {"remotes: {d: {url: \"file:///x\", retry: {first: 30s}}}\n",
       "1:48: remotes.d.retry.first (30s) must not be above remotes.d.retry.max (20s)"},
      {"remotes: {d: {url: \"file:///x\", upload: {rate_limit: 5MiB}}}\n",
       "1:54: remotes.d.upload.rate_limit: \"5MiB\" is not a rate: write for example 50MiB/s, or 0 "
       "for none"},
      {"remotes: {disk: {url: \"file:///x\"}}\n"
       "backups:\n  nightly:\n    remote: dsik\n    schedule: \"@daily\"\n",
       "4:13: backups.nightly.remote: \"dsik\" is not one of the remotes; did you mean disk?"},
      {"backups: {n: {schedule: \"@daily\"}}\n", "1:11: backups.n: remote is missing"},
      {"remotes: {d: {url: \"file:///x\"}}\nbackups: {n: {remote: d}}\n",
       "2:11: backups.n: schedule is missing"},
      {"backups: {n: {keep: {min: 0}}}\n",
       "1:27: backups.n.keep.min: \"0\" is below the least allowed, 1"},
      {"backups: {n: {verify: sample}}\n",
       "1:23: backups.n.verify: \"sample\" is not off, full, or sample with 1% to 100%, such as "
       "sample 5%"},
      {"backups: {n: {groups: [a, \"*b\"]}}\n",
       "1:27: backups.n.groups: \"*b\" is not the name of a group, nor the beginning of one and a "
       "* "
       "at its end"},
      {"backups: {n: {catalogs: [mesure]}}\n",
       "1:26: backups.n.catalogs: \"mesure\" is not one of measure, property, stream; did you mean "
       "measure?"},
      {"backups: {n: {groups: [[a]]}}\n", "1:24: backups.n.groups: takes a list of groups"},
      {"backups: {n: {groups: {a: b}}}\n",
       "1:23: backups.n.groups: takes a list of groups, not a section"},
      {"restore: {remote: nowhere}\n",
       "1:19: restore.remote: \"nowhere\" is not one of the remotes"},
      {"restore: {on_start: markers}\n",
       "1:21: restore.on_start: needs restore.remote, the place to restore from"},
      // YAML itself
      {"storage: {path: /x\n", "2:1: not valid YAML: end of map flow not found"},
      {"node: &x {name: a}\n", "1:7: anchors are not supported"},
      {"a: \"\\\x01\"", "1:7: not valid YAML: unknown escape character: \\x01"},
      // Values
      {"storage: {durability: strct}\n",
       "1:23: storage.durability: \"strct\" is not one of strict, relaxed; did you mean strict?"},
      {"storage: {durability: batch}\n",
       "1:23: storage.durability: \"batch\" is not one of strict, relaxed"},
      {"storage: {flush: {interval: 5}}\n",
       "1:29: storage.flush.interval: \"5\" needs a unit: ms, s, m, h or d, for example 5s"},
      {"storage: {flush: {interval: 2h}}\n",
       "1:29: storage.flush.interval: \"2h\" is above the most allowed, 1h"},
      {"storage: {flush: {bytes: 64}}\n",
       "1:26: storage.flush.bytes: \"64\" needs a unit: B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, "
       "for example 64MiB"},
      {"storage: {flush: {bytes: 1KiB}}\n",
       "1:26: storage.flush.bytes: \"1KiB\" is below the least allowed, 1MiB"},
      {"storage: {path: data}\n", "1:17: storage.path: \"data\" is not an absolute path"},
      {"storage: {path: \"\"}\n", "1:17: storage.path: \"\" is not an absolute path"},
      {"storage: {wal: {path: log}}\n", "1:23: storage.wal.path: \"log\" is not an absolute path"},
      {"storage: {merge: {threads: 0}}\n",
       "1:28: storage.merge.threads: \"0\" is below the least allowed, 1"},
      {"storage: {merge: {threads: two}}\n",
       "1:28: storage.merge.threads: \"two\" is not a whole number"},
      {"io: {queue_depth: 5000}\n",
       "1:19: io.queue_depth: \"5000\" is above the most allowed, 4096"},
      {"memory: {limit: 70}\n",
       "1:17: memory.limit: \"70\" is neither a percentage nor a size: write for example 70% or "
       "4GiB"},
      {"memory: {limit: 96%}\n", "1:17: memory.limit: \"96%\" is above the most allowed, 95%"},
      {"memory: {limit: 1MiB}\n", "1:17: memory.limit: \"1MiB\" is below the least allowed, 64MiB"},
      {"disk: {warn: 85}\n",
       "1:14: disk.warn: \"85\" is not a percentage: write a whole number up to 100 and %, for "
       "example 85%"},
      {"grpc: {listen: 17912}\n",
       "1:16: grpc.listen: \"17912\" is not an address to listen on: write an IP address and a "
       "port, for example 0.0.0.0:17912 or [::]:17912"},
      {"grpc: {reflection: yes}\n", "1:20: grpc.reflection: \"yes\" is not one of true, false"},
      {"log: {output: ficus.log}\n",
       "1:15: log.output: \"ficus.log\" is neither stderr nor an absolute path"},
      {"api: {version: 1}\n",
       "1:16: api.version: \"1\" is not a version: write two numbers, for example 0.10"},
      {"restore: {on_start: marker}\n",
       "1:21: restore.on_start: \"marker\" is not one of never, markers, if_empty; did you mean "
       "markers?"},
      {"node: {name: \"a\\nb\"}\n", "1:14: node.name: \"a\\x0ab\" contains a control character"},
      {"node: {labels: {\"a b\": x}}\n",
       "1:24: node.labels.a b: \"x\" has a label name that is not 1 to 63 letters, digits, _, -, "
       ". or /"},
      {"node: {labels: {a: \"\\t\"}}\n",
       "1:20: node.labels.a: \"\\x09\" is longer than 256 bytes or contains a control character"},
      // References
      {"node: {name: {}}\n", "1:14: node.name: takes a text, {file: PATH} or {env: NAME}"},
      {"node: {name: {file: a, env: b}}\n",
       "1:14: node.name: takes a text, {file: PATH} or {env: NAME}"},
      {"node: {name: {fil: /x}}\n", "1:15: node.name.fil: unknown key; did you mean file?"},
      {"node: {name: {xyzzy: /x}}\n", "1:15: node.name.xyzzy: unknown key"},
      {"node: {name: {file: }}\n", "1:15: node.name.file: takes a path"},
      {"node: {name: {env: [a]}}\n", "1:15: node.name.env: takes the name of a variable"},
      {"node: {name: {file: /missing}}\n",
       "1:21: node.name: \"/missing\" cannot be read: No such file or directory"},
      {"node: {name: {env: MISSING}}\n",
       "1:20: node.name: \"MISSING\" is not set in the environment"},
      // Together
      {"disk: {warn: 95%}\n", "1:14: disk.warn (95%) must be below disk.read_only (95%)"},
      {"disk:\n  read_only: 50%\n", "2:14: disk.warn (85%) must be below disk.read_only (50%)"},
      {"storage: {wal: {file_bytes: 600MiB}}\n",
       "1:29: storage.wal.max_bytes (1GiB) must be at least twice storage.wal.file_bytes (600MiB)"},
      {"storage: {flush: {bytes: 2GiB}}\n",
       "1:26: storage.flush.bytes (2GiB) must not be above storage.wal.max_bytes (1GiB)"},
      {"http: {listen: \"0.0.0.0:17912\"}\n",
       "1:16: http.listen (0.0.0.0:17912) has the address of grpc.listen (0.0.0.0:17912)"},
      {"metrics: {listen: \"127.0.0.1:17913\"}\n",
       "1:19: metrics.listen (127.0.0.1:17913) has the address of http.listen (0.0.0.0:17913)"},
  }));
  REQUIRE(Mistake(text) == mistake);
}

TEST_CASE("all mistakes are told at once, in the order of the text", "[config][mistake]") {
  REQUIRE(
      Told(CheckText("storage:\n"
                     "  pth: /x\n"
                     "  flush: {interval: 5, bytes: big}\n"
                     "io: {engine: fast}\n"
                     "io: {}\n")) ==
      Lines{"/etc/ficus/f.yaml:2:3: storage.pth: unknown key; did you mean storage.path?",
            ("/etc/ficus/f.yaml:3:21: storage.flush.interval: \"5\" needs a unit: ms, s, m, h or "
             "d, for example 5s"),
            ("/etc/ficus/f.yaml:3:31: storage.flush.bytes: \"big\" is not a size: write a whole "
             "number and B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, for example 64MiB"),
            "/etc/ficus/f.yaml:4:14: io.engine: \"fast\" is not one of auto, io_uring, threads",
            "/etc/ficus/f.yaml:5:1: io: given twice; first in line 4"});
}

TEST_CASE("mistakes in front of a syntax error are told too", "[config][mistake]") {
  REQUIRE(Told(CheckText("io: {engine: fast}\nlog: {level: [}\n")).size() == 2);
}

TEST_CASE("a long list of mistakes ends with their number", "[config][mistake]") {
  std::string text;
  for (int i = 0; i < 150; ++i) text += fmt::format("zzzzzzzz{}: 1\n", i);
  const Lines lines = Told(CheckText(text));
  REQUIRE(lines.size() == kConfigMistakesMax + 1);
  REQUIRE(lines[99] == "/etc/ficus/f.yaml:100:1: zzzzzzzz99: unknown key");
  REQUIRE(lines[100] == "...: and 50 more mistakes");
}

TEST_CASE("a long value is cut in a message", "[config][mistake]") {
  REQUIRE(Mistake("io: {engine: " + std::string(1000, 'x') + "}\n") ==
          "1:14: io.engine: \"" + std::string(60, 'x') +
              "...\" is not one of auto, io_uring, threads");
}

TEST_CASE("too many labels are refused", "[config][mistake]") {
  std::string text = "node:\n  labels:\n";
  for (int i = 0; i < 65; ++i) text += fmt::format("    l{:02}: x\n", i);
  REQUIRE(Mistake(text) == "67:10: node.labels.l64: \"x\" is one label too many: 64 are allowed");
}

TEST_CASE("listeners on different addresses or with a chosen port do not clash", "[config]") {
  Load("http: {listen: \"127.0.0.1:80\"}\nmetrics: {listen: \"127.0.0.2:80\"}\n");
  Load("grpc: {listen: \":0\"}\nhttp: {listen: \":0\"}\nmetrics: {listen: \":0\"}\n");
}

TEST_CASE("a missing file is a mistake only when it is required", "[config]") {
  ConfigSources sources = FromFile();
  REQUIRE(Told(CheckConfig(sources, MemoryConfigFiles(Files()))) ==
          Lines{"/etc/ficus/f.yaml: No such file or directory"});
  sources.file_required = false;
  REQUIRE(CheckConfig(sources, MemoryConfigFiles(Files())).mistakes.empty());
}

TEST_CASE("a file above one MiB is refused", "[config][mistake]") {
  REQUIRE(Told(CheckText(std::string(kYamlBytesMax + 1, ' '))) ==
          Lines{"/etc/ficus/f.yaml: is larger than 1048576 bytes"});
}

TEST_CASE("files in conf.d come after the file, in the order of their names", "[config]") {
  const MemoryConfigFiles files(
      Files{{kFile, "io: {queue_depth: 16, engine: threads}\nnode: {name: a, labels: {x: 1}}\n"},
            {"/etc/ficus/conf.d/20.yaml", "io: {queue_depth: 32}\n"},
            {"/etc/ficus/conf.d/10.yaml", "io: {queue_depth: 64}\nnode: {labels: {y: 2}}\n"},
            {"/etc/ficus/conf.d/.hidden.yaml", "nonsense: 1\n"},
            {"/etc/ficus/conf.d/30.yaml.bak", "nonsense: 1\n"},
            {"/etc/ficus/conf.d/sub/40.yaml", "nonsense: 1\n"}});
  const ConfigCheck check = CheckConfig(FromFile(), files);
  REQUIRE(Told(check) == Lines());
  REQUIRE(check.loaded.config.io.queue_depth == 32);
  REQUIRE(check.loaded.config.io.engine == IoEngineChoice::kThreads);
  REQUIRE(check.loaded.config.node.name == "a");
  REQUIRE(check.loaded.config.node.labels ==
          std::map<std::string, std::string>{{"x", "1"}, {"y", "2"}});
  REQUIRE(check.loaded.Origin("io.queue_depth").where == "/etc/ficus/conf.d/20.yaml:1:19");
  REQUIRE(check.loaded.Origin("node.labels.y").where == "/etc/ficus/conf.d/10.yaml:2:20");
}

TEST_CASE("a mistake in conf.d names its file", "[config][mistake]") {
  const MemoryConfigFiles files(
      Files{{kFile, ""}, {"/etc/ficus/conf.d/a.yaml", "io: {engin: auto}\n"}});
  REQUIRE(Told(CheckConfig(FromFile(), files)) ==
          Lines{"/etc/ficus/conf.d/a.yaml:1:6: io.engin: unknown key; did you mean io.engine?"});
}

TEST_CASE("flags win over the environment, the environment over files", "[config]") {
  ConfigSources sources = FromFile();
  sources.environment = {{"FICUS_STORAGE__WAL__MAX_AGE", "3m"},
                         {"FICUS_STORAGE__FLUSH__INTERVAL", "3s"},
                         {"FICUS_NODE__LABELS", "a=1,b=x=y"},
                         {"FICUS_CONFIG", "none of ours"},
                         {"FICUS_", "x"},
                         {"PATH", "/bin"}};
  sources.flags = {{"--flush-interval", "storage.flush.interval", "4s"},
                   {"--set", "node.labels.c", "3"}};
  const MemoryConfigFiles files(
      Files{{kFile,
             "storage: {wal: {max_age: 2m}, flush: {interval: 2s, bytes: 2MiB}}\n"
             "node: {labels: {z: 26}}\n"}});
  const ConfigCheck check = CheckConfig(sources, files);
  REQUIRE(Told(check) == Lines());
  const LoadedConfig& loaded = check.loaded;
  REQUIRE(loaded.config.storage.flush.bytes == 2 * kMiB);
  REQUIRE(loaded.config.storage.wal.max_age == std::chrono::minutes(3));
  REQUIRE(loaded.config.storage.flush.interval == std::chrono::seconds(4));
  REQUIRE(loaded.config.node.labels ==
          std::map<std::string, std::string>{{"a", "1"}, {"b", "x=y"}, {"c", "3"}});
  REQUIRE(loaded.Origin("storage.flush.bytes") ==
          ConfigOrigin{ConfigOrigin::Kind::kFile, "/etc/ficus/f.yaml:1:60"});
  REQUIRE(
      loaded.Origin("storage.wal.max_age") ==
      ConfigOrigin{ConfigOrigin::Kind::kEnvironment, "environment FICUS_STORAGE__WAL__MAX_AGE"});
  REQUIRE(loaded.Origin("storage.flush.interval") ==
          ConfigOrigin{ConfigOrigin::Kind::kFlag, "--flush-interval"});
  REQUIRE(loaded.Origin("node.labels.a").kind == ConfigOrigin::Kind::kEnvironment);
  REQUIRE(loaded.Origin("node.labels.z").kind == ConfigOrigin::Kind::kDefault);
  REQUIRE(loaded.Origin("node.labels.c").where == "--set");
}

TEST_CASE("mistakes in environment and flags name their source", "[config][mistake]") {
  ConfigSources sources;
  sources.environment = {{"FICUS_STORAGE__PTH", "/x"},         {"FICUS_STORAGE_PATH", "/x"},
                         {"FICUS_STORAGE__WAL_MAX_AGE", "/x"}, {"FICUS_STORAGE_WAL_MAX_AGE", "1m"},
                         {"FICUS_STORAGE__WAL", "x"},          {"FICUS_NODE__LABELS", "a"},
                         {"FICUS_NODE__LABELS__ZONE", "{}"}};
  sources.flags = {{"--set", "io.engine", "fast"}, {"--set", "enigne", "x"}};
  const MemoryConfigFiles files{Files()};
  REQUIRE(
      Told(CheckConfig(sources, files)) ==
      Lines{("environment FICUS_NODE__LABELS: node.labels: \"a\" is not of the form "
             "name=text,name=text"),
            "environment FICUS_STORAGE_PATH: is not a key; did you mean FICUS_STORAGE__PATH?",
            ("environment FICUS_STORAGE_WAL_MAX_AGE: is not a key; did you mean "
             "FICUS_STORAGE__WAL__MAX_AGE?"),
            ("environment FICUS_STORAGE__PTH: storage.pth: unknown key; did you mean "
             "storage.path?"),
            "environment FICUS_STORAGE__WAL: storage.wal: is a section: its keys go below it",
            ("environment FICUS_STORAGE__WAL_MAX_AGE: storage.wal_max_age: unknown key; did you "
             "mean storage.wal.max_age?"),
            "--set: io.engine: \"fast\" is not one of auto, io_uring, threads",
            "--set: enigne: unknown key"});
}

TEST_CASE("the flag --set takes a key, an equals sign and a value", "[config]") {
  const Result<ConfigFlag> flag = ParseSetFlag("node.labels=a=1,b=2");
  REQUIRE(flag);
  REQUIRE(flag->key == "node.labels");
  REQUIRE(flag->value == "a=1,b=2");
  REQUIRE(ParseSetFlag("node.name=")->value == "");
  const std::string text = GENERATE("", "node.name", "=x");
  REQUIRE(ParseSetFlag(text).error().message ==
          "is not of the form key=value, for example storage.path=/var/lib/ficus");
}

TEST_CASE("a text may come from a file or a variable and is then a secret", "[config][secret]") {
  ConfigSources sources = FromFile();
  sources.environment = {{"NODE_NAME", "from-env"}};
  const MemoryConfigFiles files(Files{{kFile,
                                       "node: {name: {env: NODE_NAME}, labels: {k: {file: "
                                       "secrets/k}}}\nstorage: {path: {file: /run/path}}\n"},
                                      {"/etc/ficus/secrets/k", "two\nlines\r\n"},
                                      {"/run/path", "/data"}});
  const ConfigCheck check = CheckConfig(sources, files);
  // The line break inside stays and is refused for a label; its value is not shown.
  REQUIRE(Told(check) ==
          Lines{"/etc/ficus/f.yaml:1:44: node.labels.k: its value is longer than 256 bytes or "
                "contains a control character"});
  REQUIRE(check.loaded.config.node.name == "from-env");
  REQUIRE(check.loaded.config.storage.path == "/data");
  REQUIRE(check.loaded.secrets == std::set<std::string>{"node.name", "storage.path"});
  REQUIRE(check.loaded.Origin("node.name").where == "/etc/ficus/f.yaml:1:14");
}

TEST_CASE("no message shows a secret", "[config][secret]") {
  ConfigSources sources = FromFile();
  sources.environment = {{"S", "hunter2"}};
  const std::string key =
      GENERATE("storage: {path", "grpc: {listen", "log: {output", "api: {version");
  const MemoryConfigFiles files(Files{{kFile, key + ": {env: S}}\n"}});
  const ConfigCheck check = CheckConfig(sources, files);
  REQUIRE(check.mistakes.size() == 1);
  REQUIRE_THAT(check.mistakes[0].text, !Catch::Contains("hunter2"));
  REQUIRE_THAT(check.mistakes[0].text, Catch::Contains("its value is n"));
}

TEST_CASE("no message about two keys shows a secret", "[config][secret]") {
  ConfigSources sources = FromFile();
  sources.environment = {{"S", "127.0.0.1:17912"}};
  const MemoryConfigFiles files(Files{{kFile, "http: {listen: {env: S}}\n"}});
  REQUIRE(Told(CheckConfig(sources, files)) ==
          Lines{"/etc/ficus/f.yaml:1:16: http.listen has the address of grpc.listen "
                "(0.0.0.0:17912)"});
}

TEST_CASE("a secret file is bounded", "[config][secret]") {
  const MemoryConfigFiles files(
      Files{{kFile, "node: {name: {file: /big}}\n"}, {"/big", std::string(65537, 'x')}});
  REQUIRE(Told(CheckConfig(FromFile(), files)) ==
          Lines{"/etc/ficus/f.yaml:1:21: node.name: \"/big\" cannot be read: is larger than 65536 "
                "bytes"});
}

TEST_CASE("a value that replaces a secret is shown", "[config][secret]") {
  ConfigSources sources = FromFile();
  sources.environment = {{"S", "hidden"}, {"FICUS_NODE__NAME", "open"}};
  const MemoryConfigFiles files(Files{{kFile, "node: {name: {env: S}}\n"}});
  const ConfigCheck check = CheckConfig(sources, files);
  REQUIRE(check.loaded.secrets.empty());
  REQUIRE_THAT(ShowConfig(check.loaded, ShowOrigin::kNo), Catch::Contains("name: \"open\""));
}

TEST_CASE("a load gives a configuration or all mistakes, one per line", "[config]") {
  const Result<LoadedConfig> loaded =
      LoadConfig(FromFile(), MemoryConfigFiles(Files{{kFile, "io: {engin: 1}\nlogs: 2\n"}}));
  REQUIRE_FALSE(loaded);
  REQUIRE(loaded.error().code == ErrorCode::kInvalidArgument);
  REQUIRE(loaded.error().message ==
          "/etc/ficus/f.yaml:1:6: io.engin: unknown key; did you mean io.engine?\n"
          "/etc/ficus/f.yaml:2:1: logs: unknown key; did you mean log?");
}

TEST_CASE("a certificate and its key are given together", "[config][security]") {
  REQUIRE(Mistake("grpc:\n  tls: {cert: /c}\n") == "2:15: grpc.tls: key is missing");
  REQUIRE(Mistake("grpc:\n  tls: {key: /k}\n") == "2:14: grpc.tls: cert is missing");
  REQUIRE(Told(CheckText("grpc:\n  tls: {client_ca: /k}\n")).size() == 2);
  REQUIRE(Mistake("http:\n  tls: {cert: /c}\n") == "2:15: http.tls: key is missing");
  REQUIRE(Mistake("grpc:\n  tls: {cert: c, key: /k}\n").find("is not an absolute path") !=
          std::string::npos);
  const Config config = Load("grpc: {tls: {cert: /c, key: /k, client_ca: /a, reload: 1s}}\n");
  REQUIRE(config.grpc.tls.client_ca == "/a");
  REQUIRE(config.grpc.tls.reload == std::chrono::seconds(1));
}

TEST_CASE("users need TLS wherever a network could listen", "[config][security]") {
  const std::string users = "auth: {users_file: /u}\n";
  const std::string loopback = "grpc: {listen: 127.0.0.1:1}\nhttp: {listen: \"[::1]:2\"}\n";
  const std::string tls = "tls: {cert: /c, key: /k}";
  REQUIRE(Told(CheckText(users)).size() == 2);  // gRPC and HTTP
  REQUIRE(Mistake(users + "http: {listen: 127.0.0.1:1}\n")
              .find("1:20: auth.users_file: passwords would cross the network in plain text at "
                    "grpc.listen (0.0.0.0:17912): set grpc.tls, ") == 0);
  REQUIRE(Mistake(users + "grpc: {" + tls + "}\n").find("at http.listen") != std::string::npos);
  Load(users + loopback);
  Load(users + "grpc: {" + tls + "}\nhttp: {" + tls + "}\n");
  Load("auth: {users_file: /u, insecure: true}\n");
  REQUIRE(
      Told(CheckText("grpc: {listen: 10.0.0.1:1}\nhttp: {listen: 127.1.2.3:2}\n" + users)).size() ==
      1);
}

}  // namespace
}  // namespace ficus
