// The table of all configuration keys: how each is read, checked, stored and printed. File,
// environment, flags and `config show` all go through it, so they cannot disagree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "engine/base/result.h"

namespace ficus {

enum class ConfigKeyKind {
  kText,   // may be given as {file: PATH} or {env: NAME}
  kValue,  // a size, a duration, a choice, ...
  kMap,    // words with texts below them
  kList,   // texts in a list
};

struct ConfigKey {
  std::string path;  // "storage.flush.bytes"
  ConfigKeyKind kind = ConfigKeyKind::kValue;
  // "a size such as 64MiB": what the key takes, for messages.
  std::string takes;
  // kInvalidArgument: the end of a sentence that begins with the value; `config` is as before.
  // For kMap `text` is "name=text,name=text", for kList "text,text"; it replaces all of them.
  std::function<Result<>(Config& config, const std::string& text)> set;
  // The value as text that `set` takes.
  std::function<std::string(const Config& config)> show;
};

// The keys that are always there; those of a section stand together, in the order in which they are
// printed.
const std::vector<ConfigKey>& ConfigKeys();

// Those, and the keys of each remote and backup of `config`.
std::vector<ConfigKey> ConfigKeysOf(const Config& config);

// None for an unknown path. The paths below a kMap key belong to it: "node.labels.zone". Below
// "remotes" and "backups" any valid name stands for an entry: "remotes.disk.url".
std::optional<ConfigKey> FindConfigKey(std::string_view path);

// True for "storage", "storage.flush", "remotes" and "remotes.disk".
bool IsConfigSection(std::string_view path);

// True for "remotes" and "backups", whose sections have names of the operator's choice.
bool HasNamedSections(std::string_view path);
// Makes the remote or backup of this name, with the defaults, unless it exists. kInvalidArgument:
// the end of a sentence that begins with the name.
Result<> AddNamedSection(Config& config, std::string_view path, const std::string& name);

// The known key or section that was probably meant by `path`; empty when none is near.
std::string NearestConfigKey(std::string_view path);

// Sets one entry of node.labels. kInvalidArgument names what is wrong with name or value.
Result<> SetLabel(Config& config, const std::string& name, const std::string& value);

}  // namespace ficus
