#include "server/ctl/compatible_names.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/core.h>

namespace ficus {
namespace {

enum class Meaning : uint8_t {
  kPass,     // under our name, with its value
  kRoot,     // the folder of one catalog: all must be the same
  kIgnored,  // decides nothing here: a warning
  kRefused,  // would change the result, and is not done this way here
  kOurs,     // ficusctl's own, passed on
};

struct Flag {
  std::string_view name;
  Meaning meaning;
  // What it is called here, or what to do instead.
  std::string_view here;
  bool has_value = true;
};

constexpr std::string_view kNodeKnows = "the node knows its own folders";
constexpr std::string_view kCredentials =
    "credentials belong to the remote, below `remotes` in the node's configuration";
constexpr std::string_view kStoreSettings =
    "settings of a store belong to the remote, below `remotes` in the node's configuration";
constexpr std::string_view kAlwaysChecked =
    "the node's certificate is always checked; name the authority that signed it with --cert";

// `flags`, and those that tell upstream's tools how to reach a store.
std::vector<Flag> WithStoreFlags(std::vector<Flag> flags) {
  const std::vector<Flag> of_stores = {
      {"--s3-config-file", Meaning::kRefused, kCredentials},
      {"--s3-credential-file", Meaning::kRefused, kCredentials},
      {"--s3-profile", Meaning::kRefused, kCredentials},
      {"--s3-checksum-algorithm", Meaning::kRefused, kStoreSettings},
      {"--s3-storage-class", Meaning::kRefused, kStoreSettings},
      {"--azure-account-name", Meaning::kRefused, kCredentials},
      {"--azure-account-key", Meaning::kRefused, kCredentials},
      {"--azure-sas-token", Meaning::kRefused, kCredentials},
      {"--azure-endpoint", Meaning::kRefused, kStoreSettings},
      {"--gcp-service-account-file", Meaning::kRefused, kCredentials},
  };
  flags.insert(flags.end(), of_stores.begin(), of_stores.end());
  return flags;
}

const std::vector<Flag>& BackupFlags() {
  static const std::vector<Flag> flags = WithStoreFlags({
      {"--dest", Meaning::kPass, "--dest"},
      {"--grpc-addr", Meaning::kPass, "--addr"},
      {"--time-style", Meaning::kPass, "--time-style"},
      {"--schedule", Meaning::kPass, "--schedule"},
      {"--stream-root-path", Meaning::kIgnored, kNodeKnows},
      {"--measure-root-path", Meaning::kIgnored, kNodeKnows},
      {"--property-root-path", Meaning::kIgnored, kNodeKnows},
      {"--trace-root-path", Meaning::kIgnored, kNodeKnows},
      {"--schema-root-path", Meaning::kIgnored, kNodeKnows},
      {"--schema-property-root-path", Meaning::kIgnored, kNodeKnows},
      {"--upload-concurrency", Meaning::kIgnored,
       "`upload.concurrency` of the remote in the node's configuration decides"},
      {"--logging-level", Meaning::kIgnored, "the node writes the log"},
      {"--logging-env", Meaning::kIgnored, "the node writes the log"},
      {"--logging-modules", Meaning::kIgnored, "the node writes the log"},
      {"--logging-levels", Meaning::kIgnored, "the node writes the log"},
      {"--enable-tls", Meaning::kPass, "--tls", false},
      {"--insecure", Meaning::kRefused, kAlwaysChecked, false},
      {"--cert", Meaning::kPass, "--tls-ca"},
      {"--addr", Meaning::kOurs, "--addr"},
      {"--tls-cert", Meaning::kOurs, "--tls-cert"},
      {"--tls-key", Meaning::kOurs, "--tls-key"},
      {"--tls-server-name", Meaning::kOurs, "--tls-server-name"},
      {"--user", Meaning::kOurs, "--user"},
      {"-u", Meaning::kOurs, "--user"},
      {"--password-file", Meaning::kOurs, "--password-file"},
      {"--output", Meaning::kOurs, "--output"},
      {"-o", Meaning::kOurs, "-o"},
      {"--timeout", Meaning::kOurs, "--timeout"},
      {"--dry-run", Meaning::kOurs, "--dry-run", false},
      {"--follow", Meaning::kOurs, "--follow", false},
      {"--no-follow", Meaning::kOurs, "--no-follow", false},
      {"--form", Meaning::kOurs, "--form"},
      {"--group", Meaning::kOurs, "--group"},
      {"--catalog", Meaning::kOurs, "--catalog"},
      {"--verify", Meaning::kOurs, "--verify"},
      {"--keep", Meaning::kOurs, "--keep"},
      {"--allow-degraded", Meaning::kOurs, "--allow-degraded", false},
      {"--help", Meaning::kOurs, "--help", false},
      {"-h", Meaning::kOurs, "--help", false},
  });
  return flags;
}

const std::vector<Flag>& RestoreFlags() {
  static const std::vector<Flag> flags = WithStoreFlags({
      {"--source", Meaning::kPass, "--source"},
      {"--stream-root-path", Meaning::kRoot, "--root"},
      {"--measure-root-path", Meaning::kRoot, "--root"},
      {"--property-root-path", Meaning::kRoot, "--root"},
      {"--trace-root-path", Meaning::kRoot, "--root"},
      {"--schema-root-path", Meaning::kRoot, "--root"},
      {"--schema-property-root-path", Meaning::kRoot, "--root"},
      {"--root", Meaning::kRoot, "--root"},
      {"--logging-level", Meaning::kIgnored, "the command prints what it does"},
      {"--logging-env", Meaning::kIgnored, "the command prints what it does"},
      {"--output", Meaning::kOurs, "--output"},
      {"-o", Meaning::kOurs, "-o"},
      {"--log", Meaning::kOurs, "--log"},
      {"--catalog", Meaning::kOurs, "--catalog"},
      {"--group", Meaning::kOurs, "--group"},
      {"--generation", Meaning::kOurs, "--generation"},
      {"--allow-degraded", Meaning::kOurs, "--allow-degraded", false},
      {"--foreign", Meaning::kOurs, "--foreign", false},
      {"--concurrency", Meaning::kOurs, "--concurrency"},
      {"--dry-run", Meaning::kOurs, "--dry-run", false},
      {"--yes", Meaning::kOurs, "--yes", false},
      {"--help", Meaning::kOurs, "--help", false},
      {"-h", Meaning::kOurs, "--help", false},
  });
  return flags;
}

const std::vector<Flag>& TimedirFlags() {
  static const std::vector<Flag> flags = {
      {"--dest", Meaning::kPass, "--dest"},
      {"--prefix", Meaning::kPass, "--prefix"},
      {"--catalog", Meaning::kPass, "--catalog"},
      {"--time-style", Meaning::kPass, "--time-style"},
      {"--stream-root", Meaning::kRoot, "--root"},
      {"--measure-root", Meaning::kRoot, "--root"},
      {"--property-root", Meaning::kRoot, "--root"},
      {"--trace-root", Meaning::kRoot, "--root"},
      {"--schema-root", Meaning::kRoot, "--root"},
      {"--schema-property-root", Meaning::kRoot, "--root"},
      {"--root", Meaning::kRoot, "--root"},
      {"--logging-level", Meaning::kIgnored, "the command prints what it does"},
      {"--logging-env", Meaning::kIgnored, "the command prints what it does"},
      {"--form", Meaning::kOurs, "--form"},
      {"--dry-run", Meaning::kOurs, "--dry-run", false},
      {"--output", Meaning::kOurs, "--output"},
      {"-o", Meaning::kOurs, "-o"},
      {"--help", Meaning::kOurs, "--help", false},
      {"-h", Meaning::kOurs, "--help", false},
  };
  return flags;
}

std::string_view BaseName(std::string_view program) {
  const size_t slash = program.rfind('/');
  return slash == std::string_view::npos ? program : program.substr(slash + 1);
}

std::string KnownNames(const std::vector<Flag>& flags) {
  std::string names;
  for (const Flag& flag : flags) {
    if (flag.meaning == Meaning::kIgnored || flag.meaning == Meaning::kRefused) continue;
    names += (names.empty() ? "" : " ") + std::string(flag.name);
  }
  return names;
}

// Goes through the flags of one command.
class Translator {
 public:
  Translator(std::string_view program, const std::vector<Flag>& flags,
             TranslatedCommand& translated)
      : program_(program), flags_(flags), translated_(translated) {}

  Result<> Run(const std::vector<std::string>& arguments, size_t from) {
    for (size_t i = from; i < arguments.size(); ++i) {
      if (arguments[i].size() < 2 || arguments[i][0] != '-') {
        translated_.arguments.push_back(arguments[i]);
        continue;
      }
      RETURN_IF_ERROR(Translate(arguments, i));
    }
    if (root_.has_value())
      translated_.arguments.insert(translated_.arguments.end(), {"--root", *root_});
    return Ok();
  }

 private:
  // `i` moves on to the value where the flag has one of its own.
  Result<> Translate(const std::vector<std::string>& arguments, size_t& i) {
    const size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    const auto flag = std::find_if(flags_.begin(), flags_.end(),
                                   [&](const Flag& known) { return known.name == name; });
    if (flag == flags_.end()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} has no {}. Known here: {}", program_, name, KnownNames(flags_))};
    }
    if (flag->meaning == Meaning::kRefused) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} takes no {}: {}", program_, name, flag->here)};
    }
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = arguments[i].substr(equals + 1);
      if (!flag->has_value && *value == "false") return Ok();
      if (!flag->has_value && *value == "true") value.reset();
    } else if (flag->has_value) {
      if (++i == arguments.size()) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("{}: {} needs a value", program_, name)};
      }
      value = arguments[i];
    }
    return Apply(*flag, name, value);
  }

  Result<> Apply(const Flag& flag, const std::string& name,
                 const std::optional<std::string>& value) {
    if (flag.meaning == Meaning::kIgnored) {
      translated_.warnings.push_back(fmt::format("{} decides nothing here: {}", name, flag.here));
      return Ok();
    }
    if (flag.meaning == Meaning::kRoot) return SetRoot(name, value.value_or(""));
    translated_.arguments.emplace_back(flag.here);
    if (value.has_value()) translated_.arguments.push_back(*value);
    return Ok();
  }

  // One node has one root: BanyanDB's tools take one for each catalog.
  Result<> SetRoot(const std::string& name, const std::string& root) {
    if (root_.has_value() && *root_ != root) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: {} is {}, another root is {}; all catalogs of a node lie below "
                               "one root, its storage.path",
                               program_, name, root, *root_)};
    }
    root_ = root;
    return Ok();
  }

  const std::string_view program_;
  const std::vector<Flag>& flags_;
  TranslatedCommand& translated_;
  std::optional<std::string> root_;
};

Result<TranslatedCommand> TranslateBackup(const std::vector<std::string>& arguments) {
  TranslatedCommand translated;
  translated.arguments = {"backup", "run"};
  const bool named = !arguments.empty() && arguments.front() == "run";
  RETURN_IF_ERROR(Translator("backup", BackupFlags(), translated).Run(arguments, named ? 1 : 0));
  const auto& made = translated.arguments;
  const bool help = std::find(made.begin(), made.end(), "--help") != made.end();
  if (!help && std::find(made.begin(), made.end(), "--dest") == made.end()) {
    return Error{ErrorCode::kInvalidArgument,
                 "backup needs --dest, the URL of a remote of the node. Without one, and for "
                 "everything else: ficusctl backup --help"};
  }
  return translated;
}

Result<TranslatedCommand> TranslateRestore(const std::vector<std::string>& arguments) {
  TranslatedCommand translated;
  if (!arguments.empty() && arguments.front() == "run") {
    translated.arguments = {"restore", "run"};
    RETURN_IF_ERROR(Translator("restore run", RestoreFlags(), translated).Run(arguments, 1));
    return translated;
  }
  static constexpr std::array<std::string_view, 4> kVerbs = {"list", "create", "read", "delete"};
  if (arguments.size() >= 2 && arguments.front() == "timedir" &&
      std::find(kVerbs.begin(), kVerbs.end(), arguments[1]) != kVerbs.end()) {
    translated.arguments = {"timedir", arguments[1]};
    const std::string program = "restore timedir " + arguments[1];
    RETURN_IF_ERROR(Translator(program, TimedirFlags(), translated).Run(arguments, 2));
    return translated;
  }
  return Error{ErrorCode::kInvalidArgument,
               "restore is followed by run or by timedir list|create|read|delete. For everything "
               "else: ficusctl restore --help"};
}

}  // namespace

bool IsCompatibleName(std::string_view program) {
  const std::string_view name = BaseName(program);
  return name == "backup" || name == "restore";
}

Result<TranslatedCommand> TranslateCommand(std::string_view program,
                                           const std::vector<std::string>& arguments) {
  if (BaseName(program) == "backup") return TranslateBackup(arguments);
  return TranslateRestore(arguments);
}

}  // namespace ficus
