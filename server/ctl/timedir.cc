#include "server/ctl/timedir.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "engine/snapshot/snapshot_name.h"
#include "server/backup/repository_keys.h"
#include "server/backup/time_marker.h"
#include "server/ctl/message_text.h"
#include "server/ctl/text_table.h"
#include "server/remote/open_store.h"

namespace ficus {
namespace {

struct Asked {
  std::string dest;
  std::string prefix;
  std::string name;
  std::string root;
  std::string time_style = "daily";
  std::string form = "released";
  std::vector<std::string> catalogs;
  bool dry_run = false;
};

using Row = std::vector<std::string>;

// Rows under the words of `head`, as a table or as a JSON list of objects, which YAML reads, too.
std::string TextOf(const ClientOptions& options, const Row& head, const std::vector<Row>& rows) {
  if (!options.structured()) {
    TextTable table(head);
    for (const Row& row : rows) table.Add(row);
    return table.Text();
  }
  std::string text;
  for (const Row& row : rows) {
    std::string fields;
    for (size_t i = 0; i < head.size(); ++i) {
      std::string name = head[i];
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      fields += (fields.empty() ? "" : ",") + QuotedJson(name) + ":" + QuotedJson(row[i]);
    }
    text += (text.empty() ? "{" : ",{") + fields + "}";
  }
  return "[" + text + "]\n";
}

// ----- list -----

Result<std::set<std::string>> CommittedTimedirs(ObjectStore& store, const std::stop_token& stop) {
  std::set<std::string> committed;
  ListRequest request;
  request.prefix = kTimedirMetaPrefix;
  RETURN_IF_ERROR(ListAll(
      store, request,
      [&](const ObjectInfo& object) {
        if (const auto commit = ParseCommitKey(object.key)) committed.insert(commit->timedir);
        return true;
      },
      stop));
  return committed;
}

// One level only: a destination may hold millions of objects.
Result<std::vector<std::string>> ListTimedirs(ObjectStore& store, const std::string& prefix,
                                              const std::stop_token& stop) {
  std::vector<std::string> timedirs;
  ListRequest request;
  request.prefix = prefix;
  request.one_level = true;
  while (true) {
    ASSIGN_OR_RETURN(const ListPage page, store.List(request, stop));
    for (const std::string& folder : page.prefixes) {
      std::string name = folder.substr(0, folder.size() - 1);
      if (IsTimedirName(name)) timedirs.push_back(std::move(name));
    }
    if (!page.next.has_value()) return timedirs;
    if (*page.next <= request.start_after) {
      return Error{ErrorCode::kCorruption, "the list of the store goes in circles"};
    }
    request.start_after = *page.next;
  }
}

Result<std::string> List(const ClientOptions& options, const Asked& asked,
                         const std::stop_token& stop) {
  StoreOptions store_options;
  store_options.missing = MissingFolder::kRefuse;
  ASSIGN_OR_RETURN(const auto store, OpenStore(asked.dest, store_options));
  ASSIGN_OR_RETURN(const auto timedirs, ListTimedirs(*store, asked.prefix, stop));
  ASSIGN_OR_RETURN(const auto committed, CommittedTimedirs(*store, stop));
  std::vector<Row> rows;
  for (const std::string& timedir : timedirs) {
    rows.push_back({timedir, committed.count(timedir) != 0 ? "yes" : "no"});
  }
  return TextOf(options, {"TIMEDIR", "COMMITTED"}, rows);
}

// ----- markers -----

Result<std::unique_ptr<FileSystem>> OpenRoot(const Asked& asked) {
  DiskOptions disk;
  disk.engine = IoEngine::kThreads;
  return OpenDiskFileSystem(asked.root, disk);
}

// All of them where none is named. "schema" is BanyanDB's older word for "schema-property".
Result<std::vector<std::string>> FoldersOf(const Asked& asked) {
  std::vector<std::string> folders;
  for (const std::string& catalog : asked.catalogs) {
    folders.push_back(catalog == "schema" ? std::string(kSchemaSnapshotFolder) : catalog);
    if (SnapshotFolderRank(folders.back()) < 0) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("there is no catalog '{}'; there are stream, measure, trace, "
                               "property and schema-property",
                               catalog)};
    }
  }
  if (folders.empty()) folders.assign(std::begin(kSnapshotFolders), std::end(kSnapshotFolders));
  return folders;
}

// The time directory of this hour in UTC.
std::string NameOfNow(const std::string& time_style) {
  const auto seconds = static_cast<std::time_t>(SystemClock().Now() / kNanosPerSecond);
  std::tm civil{};
  ::gmtime_r(&seconds, &civil);
  return TimedirName(time_style == "hourly" ? TimeStyle::kHourly : TimeStyle::kDaily,
                     {.year = civil.tm_year + 1900,
                      .month = civil.tm_mon + 1,
                      .day = civil.tm_mday,
                      .hour = civil.tm_hour});
}

const Row& MarkerHead() {
  static const Row head = {"CATALOG", "TIMEDIR", "FILE"};
  return head;
}

Result<std::string> Create(const ClientOptions& options, const Asked& asked) {
  const std::string timedir = asked.name.empty() ? NameOfNow(asked.time_style) : asked.name;
  const TimedirForm form = asked.form == "seed" ? TimedirForm::kSeed : TimedirForm::kReleased;
  ASSIGN_OR_RETURN(const auto folders, FoldersOf(asked));
  if (!IsTimedirName(timedir)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is no time directory; one is named as 2026-11-20 or "
                             "2026-11-20-09",
                             timedir)};
  }
  ASSIGN_OR_RETURN(const auto fs, OpenRoot(asked));
  SystemRandom random;
  std::vector<Row> rows;
  for (const std::string& folder : folders) {
    if (!asked.dry_run) RETURN_IF_ERROR(WriteTimeMarker(*fs, random, form, folder, timedir));
    rows.push_back({folder, timedir, TimeMarkerPath(form, folder)});
  }
  return TextOf(options, MarkerHead(), rows);
}

Result<std::string> Read(const ClientOptions& options, const Asked& asked) {
  ASSIGN_OR_RETURN(const auto folders, FoldersOf(asked));
  ASSIGN_OR_RETURN(const auto fs, OpenRoot(asked));
  std::vector<Row> rows;
  for (const std::string& folder : folders) {
    ASSIGN_OR_RETURN(const auto marker, ReadTimeMarker(*fs, folder));
    if (marker.has_value()) rows.push_back({folder, marker->timedir, marker->path});
  }
  if (rows.empty()) {
    return Error{ErrorCode::kNotFound, "there is no marker below " + asked.root};
  }
  return TextOf(options, MarkerHead(), rows);
}

// What the markers say plays no part: one that is damaged goes, too.
Result<std::string> Delete(const ClientOptions& options, const Asked& asked) {
  ASSIGN_OR_RETURN(const auto folders, FoldersOf(asked));
  ASSIGN_OR_RETURN(const auto fs, OpenRoot(asked));
  std::vector<Row> rows;
  for (const std::string& folder : folders) {
    for (const TimedirForm form : {TimedirForm::kReleased, TimedirForm::kSeed}) {
      const std::string path = TimeMarkerPath(form, folder);
      if (fs->Status(path).has_value()) rows.push_back({folder, path});
    }
    if (!asked.dry_run) RETURN_IF_ERROR(RemoveTimeMarker(*fs, folder));
  }
  return TextOf(options, {"CATALOG", "FILE"}, rows);
}

// ----- the command line -----

using Verb = std::function<Result<std::string>(Console& console)>;

Command Printing(std::string verb, bool dry_run, Verb act) {
  return [verb = std::move(verb), dry_run, act = std::move(act)](Console& console) {
    const Result<std::string> text = act(console);
    if (!text) {
      const bool interrupted = text.error().code == ErrorCode::kCancelled;
      return Fail(console, {interrupted ? ExitCode::kInterrupted : ExitCodeOf(text.error()),
                            "timedir " + verb + ": " + text.error().message});
    }
    fmt::print(console.out, "{}", *text);
    if (dry_run) fmt::print(console.err, "ficusctl: nothing was changed\n");
    return ExitCode::kDone;
  };
}

void AddMarkerOptions(CLI::App& verb, Asked& asked) {
  verb.add_option("--root", asked.root, "storage.path of the node")->required();
  verb.add_option("--catalog", asked.catalogs, "only these; all when none is given")
      ->delimiter(',');
}

}  // namespace

void AddTimedirCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  const auto asked = std::make_shared<Asked>();
  CLI::App* const timedir =
      app.add_subcommand("timedir", "time directories, and markers that ask for a restore");
  timedir->require_subcommand(1);

  CLI::App* const list = timedir->add_subcommand("list", "those that a destination holds");
  list->add_option("--dest", asked->dest, "URL of the destination")->required();
  list->add_option("--prefix", asked->prefix, "only names that begin so");
  list->callback([asked, &client, &command] {
    command = Printing("list", false, [asked, &client](Console& console) {
      return List(client, *asked, console.interrupts());
    });
  });

  CLI::App* const create = timedir->add_subcommand(
      "create", "ask for a restore at the next start of the node (restore.on_start: markers)");
  create->add_option("name", asked->name, "2026-11-20 or 2026-11-20-09; this day or hour in UTC");
  AddMarkerOptions(*create, *asked);
  create->add_option("--time-style", asked->time_style, "of the name when none is given")
      ->check(CLI::IsMember({"daily", "hourly"}));
  create->add_option("--form", asked->form, "where the markers lie")
      ->check(CLI::IsMember({"released", "seed"}));
  create->add_flag("--dry-run", asked->dry_run, "only say what would be written");
  create->callback([asked, &client, &command] {
    command = Printing("create", asked->dry_run,
                       [asked, &client](Console&) { return Create(client, *asked); });
  });

  CLI::App* const read = timedir->add_subcommand("read", "what the markers ask for");
  AddMarkerOptions(*read, *asked);
  read->callback([asked, &client, &command] {
    command = Printing("read", false, [asked, &client](Console&) { return Read(client, *asked); });
  });

  CLI::App* const remove = timedir->add_subcommand("delete", "ask for nothing any more");
  AddMarkerOptions(*remove, *asked);
  remove->add_flag("--dry-run", asked->dry_run, "only say what would be removed");
  remove->callback([asked, &client, &command] {
    command = Printing("delete", asked->dry_run,
                       [asked, &client](Console&) { return Delete(client, *asked); });
  });
}

}  // namespace ficus
