#include "config/load.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/core.h>

#include "config/keys.h"
#include "config/quantity.h"
#include "config/yaml_tree.h"
#include "engine/base/suggestion.h"

namespace ficus {
namespace {

constexpr std::string_view kEnvironmentPrefix = "FICUS_";
constexpr size_t kSecretBytesMax = 64 * 1024;
constexpr size_t kShownBytesMax = 60;

// A message stays on one line whatever the file holds.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      line += c;
    }
  }
  return line;
}

// A value in a message: quoted and short.
std::string Quoted(std::string_view value) {
  return "\"" + OneLine(value.substr(0, kShownBytesMax)) +
         (value.size() > kShownBytesMax ? "...\"" : "\"");
}

// A key in a message: short, for a file may hold any.
std::string Shown(std::string_view path) {
  const std::string quoted = Quoted(path);
  return quoted.substr(1, quoted.size() - 2);
}

std::string Join(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "." + name;
}

std::string Folder(const std::string& file) {
  const size_t slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// STORAGE__WAL__MAX_AGE -> storage.wal.max_age
std::string KeyOfVariable(std::string_view name) {
  std::string key;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "__") {
      key += '.';
      ++i;
    } else {
      const char c = name[i];
      key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return key;
}

std::string VariableOfKey(std::string_view key) {
  std::string name(kEnvironmentPrefix);
  for (const char c : key) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

// One load: goes through the sources from the weakest to the strongest.
class Loader {
 public:
  Loader(const ConfigSources& sources, const ConfigFiles& files)
      : sources_(sources), files_(files) {}

  ConfigCheck Load() {
    LoadFiles();
    LoadEnvironment();
    for (const ConfigFlag& flag : sources_.flags) {
      Apply({ConfigOrigin::Kind::kFlag, flag.flag}, flag.key, flag.value);
    }
    // What did not get through is at its default, and comparing that would confuse.
    if (check_.mistakes.empty()) CheckTogether();
    if (left_out_ > 0) {
      check_.mistakes.push_back({"...", fmt::format("and {} more mistakes", left_out_)});
    }
    return std::move(check_);
  }

 private:
  void Mistake(const std::string& where, const std::string& text) {
    if (check_.mistakes.size() == kConfigMistakesMax) {
      ++left_out_;
      return;
    }
    check_.mistakes.push_back({OneLine(where), OneLine(text)});
  }

  void LoadFiles() {
    if (sources_.file.empty()) return;
    LoadFile(sources_.file, sources_.file_required);
    const std::string folder = Folder(sources_.file) + "/conf.d";
    const Result<std::vector<std::string>> names = files_.List(folder);
    if (!names) {
      if (names.error().code != ErrorCode::kNotFound) Mistake(folder, names.error().message);
      return;
    }
    for (const std::string& name : *names) {
      if (EndsWith(name, ".yaml") && name.front() != '.') LoadFile(folder + "/" + name, true);
    }
  }

  void LoadFile(const std::string& path, bool required) {
    const Result<std::string> text = files_.Read(path, kYamlBytesMax);
    if (!text) {
      if (required || text.error().code != ErrorCode::kNotFound) {
        Mistake(path, text.error().message);
      }
      return;
    }
    file_ = path;
    const YamlDocument document = ParseYaml(*text);
    for (const YamlMistake& mistake : document.mistakes) {
      Mistake(Where(mistake.position), mistake.text);
    }
    if (document.root.kind == YamlNode::Kind::kMapping) {
      LoadSection("", document.root);
    } else if (document.root.kind != YamlNode::Kind::kNull) {
      Mistake(Where(document.root.position), "the file must hold sections, such as storage:");
    }
  }

  std::string Where(const TextPosition& position) const {
    return fmt::format("{}:{}:{}", file_, position.line, position.column);
  }

  void LoadSection(const std::string& path, const YamlNode& section) {
    for (const YamlEntry& entry : section.entries) {
      const std::string key = Join(path, entry.key);
      if (!CheckOnce(key, section, entry)) continue;
      // With a dot in it the entry would be taken for one of another section.
      const bool plain = entry.key.find('.') == std::string::npos;
      const std::optional<ConfigKey> known = plain ? FindConfigKey(key) : std::nullopt;
      if (plain && HasNamedSections(path)) {
        LoadNamedSection(path, entry);
      } else if (plain && IsConfigSection(key)) {
        LoadSubsection(key, entry);
      } else if (known) {
        LoadKey(*known, key, entry);
      } else {
        UnknownEntry(key, entry);
      }
    }
  }

  bool CheckOnce(const std::string& key, const YamlNode& section, const YamlEntry& entry) {
    const auto first = std::find_if(section.entries.begin(), section.entries.end(),
                                    [&](const YamlEntry& other) { return other.key == entry.key; });
    if (&*first == &entry) return true;
    Mistake(Where(entry.position),
            fmt::format("{}: given twice; first in line {}", Shown(key), first->position.line));
    return false;
  }

  void LoadSubsection(const std::string& key, const YamlEntry& entry) {
    if (entry.value.kind == YamlNode::Kind::kMapping) {
      LoadSection(key, entry.value);
    } else if (entry.value.kind != YamlNode::Kind::kNull) {
      Mistake(Where(entry.value.position), key + ": is a section: its keys go below it");
    }
  }

  // A remote or a backup.
  void LoadNamedSection(const std::string& path, const YamlEntry& entry) {
    const Result<> added = AddNamedSection(check_.loaded.config, path, entry.key);
    if (!added) {
      Mistake(Where(entry.position),
              fmt::format("{}: {} {}", path, Quoted(entry.key), added.error().message));
      return;
    }
    const std::string key = Join(path, entry.key);
    check_.loaded.origins[key] = {ConfigOrigin::Kind::kFile, Where(entry.position)};
    LoadSubsection(key, entry);
  }

  void LoadKey(const ConfigKey& known, const std::string& key, const YamlEntry& entry) {
    if (known.kind == ConfigKeyKind::kMap) {
      LoadMap(known, key, entry.value);
      return;
    }
    if (known.kind == ConfigKeyKind::kList && entry.value.kind == YamlNode::Kind::kSequence) {
      LoadList(known, key, entry.value);
      return;
    }
    LoadValue(known.kind == ConfigKeyKind::kText, known.takes, key, entry);
  }

  void LoadList(const ConfigKey& known, const std::string& key, const YamlNode& list) {
    std::string text;
    bool fine = true;
    for (const YamlNode& item : list.items) {
      Config scratch;
      if (item.kind != YamlNode::Kind::kScalar) {
        Mistake(Where(item.position), Shown(key) + ": takes " + known.takes);
        fine = false;
      } else if (item.text.empty() || item.text.find(',') != std::string::npos) {
        Mistake(Where(item.position),
                fmt::format("{}: {} is empty or holds a comma", Shown(key), Quoted(item.text)));
        fine = false;
      } else if (const Result<> set = known.set(scratch, item.text); !set) {
        Mistake(Where(item.position),
                fmt::format("{}: {} {}", Shown(key), Quoted(item.text), set.error().message));
        fine = false;
      }
      text += (text.empty() ? "" : ",") + item.text;
    }
    if (fine) Apply({ConfigOrigin::Kind::kFile, Where(list.position)}, key, text);
  }

  void LoadMap(const ConfigKey& known, const std::string& key, const YamlNode& map) {
    if (map.kind != YamlNode::Kind::kMapping) {
      if (map.kind != YamlNode::Kind::kNull) {
        Mistake(Where(map.position), key + ": takes " + known.takes);
      }
      return;
    }
    for (const YamlEntry& entry : map.entries) {
      const std::string path = Join(key, entry.key);
      if (CheckOnce(path, map, entry)) LoadValue(true, "a text", path, entry);
    }
  }

  void LoadValue(bool is_text, const std::string& takes, const std::string& key,
                 const YamlEntry& entry) {
    const YamlNode& value = entry.value;
    const ConfigOrigin origin{ConfigOrigin::Kind::kFile, Where(value.position)};
    switch (value.kind) {
      case YamlNode::Kind::kScalar:
        Apply(origin, key, value.text);
        return;
      case YamlNode::Kind::kNull:
        Mistake(Where(entry.position), Shown(key) + ": has no value; it takes " + takes);
        return;
      case YamlNode::Kind::kSequence:
        Mistake(origin.where, Shown(key) + ": takes " + takes + ", not a list");
        return;
      case YamlNode::Kind::kMapping:
        if (!is_text) {
          Mistake(origin.where, Shown(key) + ": takes " + takes + ", not a section");
        } else if (const auto text = Resolve(key, value)) {
          ApplyText(origin, key, *text, Secret::kYes);
        }
        return;
    }
  }

  // The text behind {file: PATH} or {env: NAME}; none after a mistake.
  std::optional<std::string> Resolve(const std::string& key, const YamlNode& reference) {
    const std::string shown = Shown(key);
    if (reference.entries.size() != 1) {
      Mistake(Where(reference.position), shown + ": takes a text, {file: PATH} or {env: NAME}");
      return std::nullopt;
    }
    const YamlEntry& entry = reference.entries.front();
    const std::string where = Where(entry.position);
    if (entry.key != "file" && entry.key != "env") {
      const std::string nearest = NearestWord(entry.key, {"file", "env"});
      Mistake(where, fmt::format("{}: unknown key{}", Shown(Join(key, entry.key)),
                                 nearest.empty() ? "" : "; did you mean " + nearest + "?"));
      return std::nullopt;
    }
    if (entry.value.kind != YamlNode::Kind::kScalar || entry.value.text.empty()) {
      Mistake(where, fmt::format("{}.{}: takes {}", shown, entry.key,
                                 entry.key == "file" ? "a path" : "the name of a variable"));
      return std::nullopt;
    }
    const bool from_file = entry.key == "file";
    const Result<std::string> text =
        from_file ? ReadSecretFile(entry.value.text) : ReadVariable(entry.value.text);
    if (text) return *text;
    Mistake(Where(entry.value.position),
            fmt::format("{}: {} {}", shown, Quoted(entry.value.text), text.error().message));
    return std::nullopt;
  }

  // A path that is not absolute starts at the folder of the file that names it. One line break at
  // the end is dropped: editors add it.
  Result<std::string> ReadSecretFile(const std::string& path) const {
    const std::string whole = path.front() == '/' ? path : Folder(file_) + "/" + path;
    Result<std::string> text = files_.Read(whole, kSecretBytesMax);
    if (!text) {
      return Error{text.error().code, "cannot be read: " + text.error().message};
    }
    if (EndsWith(*text, "\n")) text->pop_back();
    if (EndsWith(*text, "\r")) text->pop_back();
    return text;
  }

  Result<std::string> ReadVariable(const std::string& name) const {
    for (const auto& [variable, value] : sources_.environment) {
      if (variable == name) return value;
    }
    return Error{ErrorCode::kNotFound, "is not set in the environment"};
  }

  void LoadEnvironment() {
    std::vector<std::pair<std::string, std::string>> variables = sources_.environment;
    std::sort(variables.begin(), variables.end());
    for (const auto& [name, value] : variables) {
      if (name.substr(0, kEnvironmentPrefix.size()) != kEnvironmentPrefix) continue;
      const std::string_view rest = std::string_view(name).substr(kEnvironmentPrefix.size());
      const ConfigOrigin origin{ConfigOrigin::Kind::kEnvironment, "environment " + name};
      if (rest.find("__") != std::string_view::npos) {
        Apply(origin, KeyOfVariable(rest), value);
      } else {
        CheckForeignVariable(origin.where, name);
      }
    }
  }

  // A variable with single underscores where a key has double ones would be ignored in silence.
  void CheckForeignVariable(const std::string& where, const std::string& name) {
    for (const ConfigKey& key : ConfigKeys()) {
      const std::string variable = VariableOfKey(key.path);
      std::string single;
      for (const char c : variable) {
        if (c != '_' || single.back() != '_') single += c;
      }
      if (single == name) {
        Mistake(where, "is not a key; did you mean " + variable + "?");
        return;
      }
    }
  }

  enum class Secret { kNo, kYes };

  void Apply(const ConfigOrigin& origin, const std::string& key, const std::string& text) {
    ApplyText(origin, key, text, Secret::kNo);
  }

  void ApplyText(const ConfigOrigin& origin, const std::string& key, const std::string& text,
                 Secret secret) {
    const std::optional<ConfigKey> known = FindConfigKey(key);
    if (!known) {
      if (IsConfigSection(key)) {
        Mistake(origin.where, key + ": is a section: its keys go below it");
      } else {
        UnknownKey(origin.where, key);
      }
      return;
    }
    const bool is_label = known->path != key;
    const Result<> set =
        is_label ? SetLabel(check_.loaded.config, key.substr(known->path.size() + 1), text)
                 : known->set(check_.loaded.config, text);
    if (!set) {
      const std::string value = secret == Secret::kYes ? "its value" : Quoted(text);
      Mistake(origin.where, fmt::format("{}: {} {}", Shown(key), value, set.error().message));
      return;
    }
    if (known->kind == ConfigKeyKind::kMap && !is_label) {
      ForgetBelow(key);
      for (const auto& [name, value] : check_.loaded.config.node.labels) {
        check_.loaded.origins[Join(key, name)] = origin;
      }
      return;
    }
    check_.loaded.origins[key] = origin;
    if (secret == Secret::kYes) {
      check_.loaded.secrets.insert(key);
    } else {
      check_.loaded.secrets.erase(key);
    }
  }

  void ForgetBelow(const std::string& key) {
    const std::string below = key + ".";
    const auto is_below = [&](const std::string& path) {
      return path.substr(0, below.size()) == below;
    };
    std::erase_if(check_.loaded.origins, [&](const auto& item) { return is_below(item.first); });
    std::erase_if(check_.loaded.secrets, is_below);
  }

  // A dotted path belongs to flags; in a file its words are sections.
  void UnknownEntry(const std::string& key, const YamlEntry& entry) {
    const size_t dot = entry.key.find('.');
    if (dot != std::string::npos && FindConfigKey(key)) {
      Mistake(Where(entry.position),
              fmt::format("{}: write it as a section: {}:, and {}: below it", key,
                          entry.key.substr(0, dot), entry.key.substr(dot + 1)));
    } else {
      UnknownKey(Where(entry.position), key);
    }
  }

  void UnknownKey(const std::string& where, const std::string& key) {
    const std::string nearest = NearestConfigKey(key);
    Mistake(where, Shown(key) + ": unknown key" +
                       (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }

  // Keys that are fine alone and wrong together.
  void CheckTogether() {
    const Config& config = check_.loaded.config;
    CheckOrder("disk.warn", config.disk.warn < config.disk.read_only, "must be below",
               "disk.read_only");
    CheckOrder("storage.wal.max_bytes",
               config.storage.wal.max_bytes / 2 >= config.storage.wal.file_bytes,
               "must be at least twice", "storage.wal.file_bytes");
    CheckOrder("storage.flush.bytes", config.storage.flush.bytes <= config.storage.wal.max_bytes,
               "must not be above", "storage.wal.max_bytes");
    CheckListeners("http.listen", config.http.listen, "grpc.listen", config.grpc.listen);
    CheckListeners("metrics.listen", config.metrics.listen, "grpc.listen", config.grpc.listen);
    CheckListeners("metrics.listen", config.metrics.listen, "http.listen", config.http.listen);
    CheckTls("grpc.tls", config.grpc.tls);
    CheckTls("http.tls", config.http.tls);
    CheckPasswordsAreHidden("grpc", config.grpc.listen, config.grpc.tls);
    CheckPasswordsAreHidden("http", config.http.listen, config.http.tls);
    for (const auto& [name, remote] : config.remotes) {
      CheckGiven(Join("remotes", name), "url", remote.url);
      const std::string retry = "remotes." + name + ".retry.";
      CheckOrder(retry + "first", remote.retry.first <= remote.retry.max, "must not be above",
                 retry + "max");
    }
    for (const auto& [name, backup] : config.backups) {
      CheckGiven(Join("backups", name), "schedule", backup.schedule);
      CheckGiven(Join("backups", name), "remote", backup.remote);
      CheckRemote("backups." + name + ".remote", backup.remote);
    }
    CheckRemote("restore.remote", config.restore.remote);
    if (config.restore.on_start != RestoreOnStartChoice::kNever && config.restore.remote.empty()) {
      Mistake(check_.loaded.Origin("restore.on_start").where,
              "restore.on_start: needs restore.remote, the place to restore from");
    }
  }

  void CheckTls(const std::string& path, const TlsConfig& tls) {
    if (tls.cert.empty() && tls.key.empty() && tls.client_ca.empty()) return;
    CheckGiven(path, "cert", tls.cert);
    CheckGiven(path, "key", tls.key);
  }

  // Whoever listens on a network would read them.
  void CheckPasswordsAreHidden(const std::string& section, const ListenAddress& listen,
                               const TlsConfig& tls) {
    const AuthConfig& auth = check_.loaded.config.auth;
    const bool loopback = listen.host == "::1" || listen.host.substr(0, 4) == "127.";
    if (auth.users_file.empty() || auth.insecure || loopback || !tls.cert.empty()) return;
    Mistake(check_.loaded.Origin("auth.users_file").where,
            fmt::format("auth.users_file: passwords would cross the network in plain text at "
                        "{0}.listen ({1}): set {0}.tls, let it listen on loopback, or say "
                        "auth.insecure: true",
                        section, FormatListenAddress(listen)));
  }

  // A key without a default, in the section at `path`.
  void CheckGiven(const std::string& path, const std::string& key, const std::string& value) {
    if (!value.empty()) return;
    Mistake(OriginBelow(path), fmt::format("{}: {} is missing", path, key));
  }

  // Where the section is, or else the first of its keys that was given.
  std::string OriginBelow(const std::string& path) const {
    const auto& origins = check_.loaded.origins;
    const auto found = origins.lower_bound(path);
    return found == origins.end() ? path : found->second.where;
  }

  void CheckRemote(const std::string& key, const std::string& remote) {
    const auto& remotes = check_.loaded.config.remotes;
    if (remote.empty() || remotes.count(remote) != 0) return;
    std::vector<std::string> names;
    for (const auto& item : remotes) names.push_back(item.first);
    const std::string nearest = NearestWord(remote, names);
    const bool secret = check_.loaded.secrets.count(key) != 0;
    Mistake(check_.loaded.Origin(key).where,
            fmt::format("{}: {} is not one of the remotes{}", key,
                        secret ? "its value" : Quoted(remote),
                        nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }

  void CheckOrder(const std::string& key, bool holds, const std::string& relation,
                  const std::string& other) {
    if (!holds) MistakeBetween(key, other, relation);
  }

  void CheckListeners(const std::string& key, const ListenAddress& address,
                      const std::string& other, const ListenAddress& taken) {
    const bool any = address.host == "0.0.0.0" || address.host == "::" || taken.host == "0.0.0.0" ||
                     taken.host == "::";
    if (address.port == 0 || address.port != taken.port) return;
    if (any || address.host == taken.host) MistakeBetween(key, other, "has the address of");
  }

  // Named where one of the two was set; the defaults agree with each other.
  void MistakeBetween(const std::string& key, const std::string& other,
                      const std::string& relation) {
    const LoadedConfig& loaded = check_.loaded;
    const auto shown = [&](const std::string& path) {
      if (loaded.secrets.count(path) != 0) return path;
      return fmt::format("{} ({})", path, FindConfigKey(path)->show(loaded.config));
    };
    const ConfigOrigin origin =
        loaded.origins.count(key) != 0 ? loaded.Origin(key) : loaded.Origin(other);
    Mistake(origin.where, fmt::format("{} {} {}", shown(key), relation, shown(other)));
  }

  const ConfigSources& sources_;
  const ConfigFiles& files_;
  std::string file_;     // the one being read
  size_t left_out_ = 0;  // mistakes beyond kConfigMistakesMax
  ConfigCheck check_;
};

}  // namespace

ConfigOrigin LoadedConfig::Origin(const std::string& path) const {
  const auto found = origins.find(path);
  return found == origins.end() ? ConfigOrigin{} : found->second;
}

ConfigCheck CheckConfig(const ConfigSources& sources, const ConfigFiles& files) {
  return Loader(sources, files).Load();
}

Result<ConfigFlag> ParseSetFlag(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "is not of the form key=value, for example storage.path=/var/lib/ficus"};
  }
  return ConfigFlag{"--set", text.substr(0, equals), text.substr(equals + 1)};
}

Result<LoadedConfig> LoadConfig(const ConfigSources& sources, const ConfigFiles& files) {
  ConfigCheck check = CheckConfig(sources, files);
  if (check.mistakes.empty()) return std::move(check.loaded);
  std::string message;
  for (const ConfigMistake& mistake : check.mistakes) {
    message += (message.empty() ? "" : "\n") + mistake.ToString();
  }
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

}  // namespace ficus
