#include "server/backup/destination_records.h"

#include "server/backup/manifest.h"
#include "server/backup/record_text.h"

namespace ficus {
namespace {

constexpr std::string_view kNodeKind = "backup node";
constexpr std::string_view kLeaseKind = "backup lease";
constexpr std::string_view kLineEnd = ",\n";

}  // namespace

std::string EncodeNode(const NodeRecord& record) {
  RecordMembers members(kLineEnd);
  members.Hex("node", record.node_id);
  return SealRecord(kNodeKind, members);
}

std::string EncodeLease(const LeaseRecord& record) {
  RecordMembers members(kLineEnd);
  members.Hex("owner", record.owner);
  members.Text("run", record.run);
  members.Uint("generation", record.generation);
  members.Hex("nonce", record.nonce);
  members.Time("expires_at", record.expires_at);
  members.Bool("released", record.released);
  return SealRecord(kLeaseKind, members);
}

Result<NodeRecord> DecodeNode(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord opened, OpenRecord(kNodeKind, kRecordBytesMax, bytes));
  MemberReader members = opened.members();
  NodeRecord record;
  record.node_id = members.Hex("node");
  RETURN_IF_ERROR(members.result());
  return record;
}

Result<LeaseRecord> DecodeLease(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord opened, OpenRecord(kLeaseKind, kRecordBytesMax, bytes));
  MemberReader members = opened.members();
  LeaseRecord record;
  record.owner = members.Hex("owner");
  record.run = members.Text("run");
  record.generation = members.Uint("generation");
  record.nonce = members.Hex("nonce");
  record.expires_at = members.Time("expires_at");
  record.released = members.Bool("released");
  RETURN_IF_ERROR(members.result());
  return record;
}

}  // namespace ficus
