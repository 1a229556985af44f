#include "server/ctl/snapshot.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <google/protobuf/timestamp.pb.h>

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "engine/model/catalog.h"
#include "engine/snapshot/snapshot_store.h"
#include "server/ctl/message_text.h"
#include "server/ctl/quantity_text.h"
#include "server/ctl/text_table.h"

namespace ficus {
namespace {

namespace database = banyandb::database::v1;

constexpr std::string_view kLockFile = "LOCK";

struct Asked {
  std::string root;
  std::string id;
  std::vector<std::string> groups;  // "measure/sw_metric", "measure"
  bool dry_run = false;
  bool yes = false;
};

ExitCode FailWith(const Console& console, const Error& error) {
  return Fail(console, {ExitCodeOf(error), error.ToString()});
}

// ----- create -----

Result<database::SnapshotRequest> RequestOf(const Asked& asked) {
  database::SnapshotRequest request;
  for (const std::string& text : asked.groups) {
    const std::string word = text.substr(0, text.find('/'));
    const std::optional<Catalog> catalog = CatalogFromName(word);
    if (!catalog.has_value()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("there is no catalog '{}'; there are stream, measure, trace and "
                               "property",
                               word)};
    }
    database::SnapshotRequest::Group& group = *request.add_groups();
    group.set_catalog(static_cast<banyandb::common::v1::Catalog>(*catalog));
    if (word.size() < text.size()) group.set_group(text.substr(word.size() + 1));
  }
  return request;
}

Failure FailureOf(const grpc::Status& status, const ClientOptions& options, bool interrupted) {
  if (interrupted) return {ExitCode::kInterrupted, "interrupted; the node may still take it"};
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return {ExitCode::kUnreachable,
              fmt::format("no node answers at {}: {}. Is ficusd running, and is --addr right?",
                          options.node.address, status.error_message())};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {ExitCode::kUnreachable,
              fmt::format("{} did not answer in time; the snapshot may still be taken",
                          options.node.address)};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ExitCode::kUnreachable,
              fmt::format("the server at {} takes no snapshots", options.node.address)};
    case grpc::StatusCode::INVALID_ARGUMENT:
      return {ExitCode::kUsage, status.error_message()};
    default:
      return {ExitCode::kFailed, status.error_message()};
  }
}

ExitCode ReportTaken(const Console& console, const ClientOptions& options,
                     const database::SnapshotResponse& response) {
  TextTable table({"CATALOG", "NAME", "ERROR"});
  bool is_whole = true;
  for (const database::Snapshot& snapshot : response.snapshots()) {
    table.Add({EnumText(snapshot.catalog()), snapshot.name(), snapshot.error()});
    is_whole = is_whole && snapshot.error().empty();
  }
  PrintResult(console, options.output, response, table.Text());
  if (is_whole) return ExitCode::kDone;
  fmt::print(console.err, "ficusctl: something of the snapshot is missing; ERROR says what\n");
  return ExitCode::kPartly;
}

ExitCode Create(const Console& console, const ClientOptions& options, const Asked& asked) {
  const Result<database::SnapshotRequest> request = RequestOf(asked);
  if (!request.has_value()) return FailWith(console, request.error());
  if (asked.dry_run) {
    fmt::print(console.out, "would take a snapshot of {} at {}\n",
               asked.groups.empty()
                   ? std::string("every group")
                   : fmt::format("{} groups or catalogs, and of the schemas", asked.groups.size()),
               options.node.address);
    return ExitCode::kDone;
  }
  const Result<std::shared_ptr<grpc::Channel>> channel = ConnectToNode(options.node);
  if (!channel.has_value()) return FailWith(console, channel.error());
  Reach(*channel, kReachPatience);
  grpc::ClientContext context;
  if (options.timeout.has_value()) {
    context.set_deadline(std::chrono::system_clock::now() + *options.timeout);
  }
  const std::stop_token interrupt = console.interrupts();
  const std::stop_callback cancel(interrupt, [&] { context.TryCancel(); });
  database::SnapshotResponse response;
  const grpc::Status status =
      database::SnapshotService::NewStub(*channel)->Snapshot(&context, *request, &response);
  if (!status.ok()) {
    return Fail(console, FailureOf(status, options, interrupt.stop_requested()));
  }
  return ReportTaken(console, options, response);
}

// ----- on a root -----

Result<std::unique_ptr<FileSystem>> OpenRoot(const Asked& asked) {
  DiskOptions disk;
  disk.engine = IoEngine::kThreads;
  return OpenDiskFileSystem(asked.root, disk);
}

std::string TimeTextOf(UnixNanos at) {
  google::protobuf::Timestamp time;
  time.set_seconds(at / kNanosPerSecond);
  return TimeText(time);
}

std::string ErrorsOf(const SnapshotSummary& summary) {
  std::string errors = summary.damage;
  for (const CatalogSnapshot& catalog : summary.catalogs) {
    if (catalog.error.empty()) continue;
    if (!errors.empty()) errors += "; ";
    errors += catalog.folder + ": " + catalog.error;
  }
  return errors;
}

std::string CatalogsJson(const SnapshotSummary& summary) {
  std::string text;
  for (const CatalogSnapshot& catalog : summary.catalogs) {
    text += fmt::format("{}{{\"folder\":{},\"name\":{},\"groups\":{},\"error\":{}}}",
                        text.empty() ? "" : ",", QuotedJson(catalog.folder),
                        QuotedJson(catalog.name), catalog.groups.size(), QuotedJson(catalog.error));
  }
  return "[" + text + "]";
}

std::string ListJson(const std::vector<SnapshotSummary>& summaries) {
  std::string text;
  for (const SnapshotSummary& summary : summaries) {
    text += fmt::format(
        "{}{{\"id\":{},\"taken_at\":{},\"whole_node\":{},\"position\":{},\"scn\":{},\"files\":{},"
        "\"bytes\":{},\"catalogs\":{},\"damage\":{}}}",
        text.empty() ? "" : ",", QuotedJson(summary.id),
        summary.damage.empty() ? QuotedJson(TimeTextOf(summary.taken_at)) : "null",
        summary.whole_node, summary.position.value(), summary.scn.value(), summary.files,
        summary.bytes, CatalogsJson(summary), QuotedJson(summary.damage));
  }
  return "[" + text + "]\n";
}

std::string ListTable(const std::vector<SnapshotSummary>& summaries) {
  TextTable table({"ID", "TAKEN", "WHOLE", "FILES", "SIZE", "ERROR"});
  for (const SnapshotSummary& summary : summaries) {
    const bool is_known = summary.damage.empty();
    table.Add({summary.id, is_known ? TimeTextOf(summary.taken_at) : "",
               is_known ? (summary.whole_node ? "yes" : "no") : "",
               is_known ? CountText(summary.files) : "", is_known ? BytesText(summary.bytes) : "",
               ErrorsOf(summary)});
  }
  return table.Text();
}

ExitCode List(const Console& console, const ClientOptions& options, const Asked& asked) {
  const auto fs = OpenRoot(asked);
  if (!fs.has_value()) return FailWith(console, fs.error());
  SystemRandom random;
  const auto summaries = SnapshotStore(**fs, random).List();
  if (!summaries.has_value()) return FailWith(console, summaries.error());
  fmt::print(console.out, "{}",
             options.structured() ? ListJson(*summaries) : ListTable(*summaries));
  return ExitCode::kDone;
}

std::string VerificationJson(const SnapshotVerification& verification) {
  std::string damage;
  for (const SnapshotDamage& file : verification.damage) {
    damage += fmt::format("{}{{\"path\":{},\"reason\":{}}}", damage.empty() ? "" : ",",
                          QuotedJson(file.path), QuotedJson(file.reason));
  }
  return fmt::format("{{\"files\":{},\"bytes\":{},\"damage\":[{}]}}\n", verification.files,
                     verification.bytes, damage);
}

ExitCode Verify(const Console& console, const ClientOptions& options, const Asked& asked) {
  const auto fs = OpenRoot(asked);
  if (!fs.has_value()) return FailWith(console, fs.error());
  SystemRandom random;
  const auto verified = SnapshotStore(**fs, random).Verify(asked.id, console.interrupts());
  if (!verified.has_value()) {
    const bool interrupted = verified.error().code == ErrorCode::kCancelled;
    return interrupted ? Fail(console, {ExitCode::kInterrupted, "interrupted"})
                       : FailWith(console, verified.error());
  }
  if (options.structured()) {
    fmt::print(console.out, "{}", VerificationJson(*verified));
  } else {
    for (const SnapshotDamage& file : verified->damage) {
      fmt::print(console.out, "{}: {}\n", file.path, file.reason);
    }
    fmt::print(console.out, "{}: {} files, {} read, {} damaged\n", asked.id,
               CountText(verified->files), BytesText(verified->bytes),
               CountText(verified->damage.size()));
  }
  return verified->damage.empty() ? ExitCode::kDone : ExitCode::kDamage;
}

Result<> DeleteLocked(FileSystem& fs, const Asked& asked) {
  // The node alone knows which of its snapshots are in use.
  ASSIGN_OR_RETURN(const auto lock, fs.Lock(kLockFile));
  SystemRandom random;
  return SnapshotStore(fs, random).Remove(asked.id);
}

ExitCode Delete(const Console& console, const Asked& asked) {
  const auto fs = OpenRoot(asked);
  if (!fs.has_value()) return FailWith(console, fs.error());
  if (asked.dry_run) {
    SystemRandom random;
    const auto contents = SnapshotStore(**fs, random).Read(asked.id);
    if (!contents.has_value()) return FailWith(console, contents.error());
    size_t files = 0;
    for (const CatalogSnapshot& catalog : contents->catalogs) files += catalog.files.size();
    fmt::print(console.out, "would delete {} with {} files\n", asked.id, CountText(files));
    return ExitCode::kDone;
  }
  if (!asked.yes) {
    return Fail(console, {ExitCode::kRefused,
                          "the snapshot is deleted. Nothing was changed; say "
                          "--yes to do it."});
  }
  const Result<> deleted = DeleteLocked(**fs, asked);
  if (!deleted.has_value()) return FailWith(console, deleted.error());
  fmt::print(console.out, "{} is deleted\n", asked.id);
  return ExitCode::kDone;
}

// ----- the command line -----

CLI::App* AddOnRoot(CLI::App& parent, const char* name, const char* help, Asked& asked) {
  CLI::App* const verb = parent.add_subcommand(name, help);
  verb->add_option("--root", asked.root, "storage.path of the node")->required();
  return verb;
}

}  // namespace

void AddSnapshotCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  const auto asked = std::make_shared<Asked>();
  CLI::App* const snapshot = app.add_subcommand("snapshot", "files of one moment, for a backup");
  snapshot->require_subcommand(1);

  CLI::App* const create = snapshot->add_subcommand("create", "have the node take one");
  create->add_option("--group", asked->groups,
                     "a group, as measure/sw_metric, or all of a catalog, as measure; may be "
                     "repeated. Without it: everything");
  create->add_flag("--dry-run", asked->dry_run, "say what would be asked for");
  create->callback([asked, &client, &command] {
    command = [asked, &client](Console& console) { return Create(console, client, *asked); };
  });

  AddOnRoot(*snapshot, "list", "name those that lie on a root", *asked)
      ->callback([asked, &client, &command] {
        command = [asked, &client](Console& console) { return List(console, client, *asked); };
      });

  CLI::App* const verify = AddOnRoot(*snapshot, "verify", "read and check every byte", *asked);
  verify->add_option("id", asked->id, "as `list` names it")->required();
  verify->callback([asked, &client, &command] {
    command = [asked, &client](Console& console) { return Verify(console, client, *asked); };
  });

  CLI::App* const remove =
      AddOnRoot(*snapshot, "delete", "delete one of a node that does not run", *asked);
  remove->add_option("id", asked->id, "as `list` names it")->required();
  remove->add_flag("--yes", asked->yes, "really");
  remove->add_flag("--dry-run", asked->dry_run, "say what would be deleted");
  remove->callback([asked, &command] {
    command = [asked](Console& console) { return Delete(console, *asked); };
  });
}

}  // namespace ficus
