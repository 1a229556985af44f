// From files, environment and command line to one Config, with every mistake found on the way.
//
// Later sources win: built-in defaults, the file, conf.d/*.yaml beside it in the order of their
// names, environment variables, flags.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/config_files.h"
#include "config/mistake.h"
#include "engine/base/result.h"

namespace ficus {

// One setting of the command line: `--set storage.path=/x` and `--storage-path /x` both give the
// key "storage.path"; `flag` is what messages name.
struct ConfigFlag {
  std::string flag;
  std::string key;
  std::string value;
};

// "storage.path=/x" as given to --set. kInvalidArgument: there is no key or no "="; the
// message is the end of a sentence that begins with `text`.
Result<ConfigFlag> ParseSetFlag(const std::string& text);

struct ConfigSources {
  // Empty: no file and no conf.d.
  std::string file;
  // Whether a file that does not exist is a mistake.
  bool file_required = true;
  // All variables of the process. FICUS_STORAGE__PATH sets storage.path; one that only looks like
  // a key (FICUS_STORAGE_PATH, FICUS_STORAGE__PTH) is a mistake, and others are none of ours.
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<ConfigFlag> flags;
};

struct ConfigOrigin {
  enum class Kind { kDefault, kFile, kEnvironment, kFlag };

  Kind kind = Kind::kDefault;
  // As in ConfigMistake::where; "default" for kDefault.
  std::string where = "default";

  friend bool operator==(const ConfigOrigin&, const ConfigOrigin&) = default;
};

struct LoadedConfig {
  Config config;
  // By path; a key that is absent has its default. Labels are listed one by one:
  // "node.labels.zone".
  std::map<std::string, ConfigOrigin> origins;
  // Paths whose value came by {file: PATH} or {env: NAME}, and is not to be printed.
  std::set<std::string> secrets;

  ConfigOrigin Origin(const std::string& path) const;
};

struct ConfigCheck {
  // With mistakes: what could be understood.
  LoadedConfig loaded;
  // All of them, in the order of the sources and of the text; of more than kConfigMistakesMax the
  // first, and a last entry with the number of the others.
  std::vector<ConfigMistake> mistakes;
};

inline constexpr size_t kConfigMistakesMax = 100;

// Reads and checks everything. Never stops at the first mistake. Any thread.
ConfigCheck CheckConfig(const ConfigSources& sources, const ConfigFiles& files);

// CheckConfig for those who want a Config or nothing. kInvalidArgument: one mistake per line.
Result<LoadedConfig> LoadConfig(const ConfigSources& sources, const ConfigFiles& files);

}  // namespace ficus
