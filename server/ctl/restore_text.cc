#include "server/ctl/restore_text.h"

#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/id.h"
#include "server/backup/utc_time.h"
#include "server/ctl/message_text.h"
#include "server/ctl/quantity_text.h"
#include "server/ctl/text_table.h"

namespace ficus {
namespace {

// The fields of one JSON object, in the order in which they are added.
class JsonFields {
 public:
  JsonFields& Text(std::string_view name, const std::string& value) {
    return Raw(name, QuotedJson(value));
  }
  JsonFields& Number(std::string_view name, uint64_t value) {
    return Raw(name, std::to_string(value));
  }
  JsonFields& Flag(std::string_view name, bool value) {
    return Raw(name, value ? "true" : "false");
  }
  JsonFields& Raw(std::string_view name, const std::string& value) {
    text_ += fmt::format("{}{}:{}", text_.empty() ? "" : ",", QuotedJson(std::string(name)), value);
    return *this;
  }
  std::string Object() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string JsonList(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return "[" + text + "]";
}

std::string JsonTexts(const std::vector<std::string>& items) {
  std::vector<std::string> quoted;
  for (const std::string& item : items) quoted.push_back(QuotedJson(item));
  return JsonList(quoted);
}

std::string GroupName(Catalog catalog, const std::string& name) {
  return std::string(CatalogName(catalog)) + "/" + name;
}

std::string ScopeText(bool whole_node) { return whole_node ? "the whole node" : "some groups"; }

JsonFields PlanFields(const RestorePlan& plan) {
  std::vector<std::string> groups;
  for (const PlannedGroup& group : plan.groups) {
    groups.push_back(JsonFields()
                         .Text("catalog", std::string(CatalogName(group.catalog)))
                         .Text("name", group.name)
                         .Number("files", group.files)
                         .Number("bytes", group.bytes)
                         .Flag("replaced", group.is_replaced)
                         .Number("expired_segments", group.expired_segments)
                         .Number("expired_bytes", group.expired_bytes)
                         .Object());
  }
  JsonFields fields;
  fields.Text("timedir", plan.timedir)
      .Number("generation", plan.generation)
      .Text("taken_at", UtcText(plan.taken_at))
      .Text("node_id", Hex16(plan.node_id))
      .Flag("whole_node", plan.whole_node)
      .Flag("verified", plan.verified)
      .Raw("missing", JsonTexts(plan.missing))
      .Number("files", plan.files.size())
      .Number("bytes", plan.bytes)
      .Number("needed_bytes", plan.needed_bytes)
      .Number("free_bytes", plan.free_bytes)
      .Raw("groups", JsonList(groups))
      .Raw("removed", JsonTexts(plan.removed));
  return fields;
}

}  // namespace

std::string RestorePlanText(const RestorePlan& plan) {
  std::string text = fmt::format(
      "{} of {}, taken {} by node {}, {}\n{} files, {}; needs {}, {} are free\n",
      ScopeText(plan.whole_node), plan.timedir, UtcText(plan.taken_at), Hex16(plan.node_id),
      plan.verified ? "verified" : "not verified", CountText(plan.files.size()),
      BytesText(plan.bytes), BytesText(plan.needed_bytes), BytesText(plan.free_bytes));
  for (const std::string& missing : plan.missing) text += "missing: " + missing + "\n";
  TextTable table({"GROUP", "FILES", "SIZE", "REPLACES", "PAST ITS TTL"});
  for (const PlannedGroup& group : plan.groups) {
    table.Add({GroupName(group.catalog, group.name), CountText(group.files), BytesText(group.bytes),
               group.is_replaced ? "yes" : "no",
               group.expired_segments == 0 ? ""
                                           : fmt::format("{} segments, {}", group.expired_segments,
                                                         BytesText(group.expired_bytes))});
  }
  text += table.Text();
  for (const std::string& removed : plan.removed) {
    text += fmt::format("{} is not in the backup and goes\n", removed);
  }
  return text;
}

std::string RestorePlanJson(const RestorePlan& plan) { return PlanFields(plan).Object() + "\n"; }

std::string RestoreOutcomeText(const RestoreOutcome& outcome) {
  return fmt::format(
      "restore {} of {} is ready: {} files, {} ({} received)\nThe next start of the node goes on. "
      "Until then nothing has changed, and this gives it up: ficusctl restore discard\n",
      Hex16(outcome.journal.id), outcome.journal.timedir, CountText(outcome.progress.files_done),
      BytesText(outcome.progress.bytes_done), BytesText(outcome.progress.bytes_received));
}

std::string RestoreOutcomeJson(const RestoreOutcome& outcome) {
  JsonFields fields = PlanFields(outcome.plan);
  fields.Text("id", Hex16(outcome.journal.id))
      .Text("state", std::string(RestoreStateName(outcome.journal.state)))
      .Number("files_reused", outcome.progress.files_reused)
      .Number("bytes_received", outcome.progress.bytes_received);
  return fields.Object() + "\n";
}

std::string RestoreStatusText(const RestoreStatus& status) {
  if (!status.journal.has_value()) return "no restore lies below this root\n";
  const RestoreJournal& journal = *status.journal;
  std::string text =
      fmt::format("restore {} of {} ({}), {}: {}\n", Hex16(journal.id), journal.timedir,
                  journal.source, ScopeText(journal.whole_node), RestoreStateName(journal.state));
  if (!journal.reason.empty()) text += "because: " + journal.reason + "\n";
  if (status.staged_bytes > 0) text += "staged: " + BytesText(status.staged_bytes) + "\n";
  if (status.aside_bytes > 0) {
    text += fmt::format("replaced and kept: {}, until ficusctl restore discard\n",
                        BytesText(status.aside_bytes));
  }
  if (status.held_groups > 0) {
    text +=
        fmt::format("retention is on hold for {} of {} groups, until ficusctl restore release\n",
                    status.held_groups, journal.groups.size());
  }
  return text;
}

std::string RestoreStatusJson(const RestoreStatus& status) {
  JsonFields fields;
  if (!status.journal.has_value()) return fields.Raw("restore", "null").Object() + "\n";
  const RestoreJournal& journal = *status.journal;
  std::vector<std::string> groups;
  for (const RestoredGroup& group : journal.groups) {
    groups.push_back(QuotedJson(GroupName(group.catalog, group.name)));
  }
  JsonFields restore;
  restore.Text("id", Hex16(journal.id))
      .Text("state", std::string(RestoreStateName(journal.state)))
      .Flag("whole_node", journal.whole_node)
      .Text("source", journal.source)
      .Text("timedir", journal.timedir)
      .Number("generation", journal.generation)
      .Text("taken_at", UtcText(journal.taken_at))
      .Text("reason", journal.reason)
      .Raw("groups", JsonList(groups))
      .Number("staged_bytes", status.staged_bytes)
      .Number("aside_bytes", status.aside_bytes)
      .Number("held_groups", status.held_groups);
  return fields.Raw("restore", restore.Object()).Object() + "\n";
}

std::string RestoreDiscardText(const RestoreDiscard& discard, bool dry_run) {
  return fmt::format("{} {} files, {}; {} {} holds on retention\n",
                     dry_run ? "would remove" : "removed", CountText(discard.files),
                     BytesText(discard.bytes), dry_run ? "would lift" : "lifted",
                     CountText(discard.holds));
}

std::string RestoreDiscardJson(const RestoreDiscard& discard, bool dry_run) {
  return JsonFields()
             .Flag("dry_run", dry_run)
             .Number("files", discard.files)
             .Number("bytes", discard.bytes)
             .Number("holds", discard.holds)
             .Object() +
         "\n";
}

std::string RestoreProgressText(const RestoreProgress& progress) {
  const double share = progress.bytes == 0 ? 100.0
                                           : 100.0 * static_cast<double>(progress.bytes_done) /
                                                 static_cast<double>(progress.bytes);
  return fmt::format("{}  {:.1f} %  {} of {}", progress.verifying ? "verify" : "download", share,
                     BytesText(progress.bytes_done), BytesText(progress.bytes));
}

}  // namespace ficus
