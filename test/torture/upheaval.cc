#include "test/torture/upheaval.h"

#include <chrono>
#include <set>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "ficus/admin/v1/admin.grpc.pb.h"

namespace ficus {
namespace {

namespace common = banyandb::common::v1;
namespace database = banyandb::database::v1;

constexpr std::chrono::seconds kPatience{60};
constexpr size_t kGroupsMax = 4;

// True when the node answered, well or not. A node that is gone answers nothing.
bool Answered(const grpc::Status& status) {
  return status.error_code() != grpc::StatusCode::UNAVAILABLE &&
         status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
}

}  // namespace

Upheaval::Upheaval(uint64_t seed, std::string job) : random_(seed), job_(std::move(job)) {}

Upheaval::~Upheaval() { End(); }

void Upheaval::Begin(const std::string& address) {
  end_ = false;
  channel_ = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  thread_ = std::thread([this] { Run(); });
}

void Upheaval::End() {
  end_ = true;
  if (thread_.joinable()) thread_.join();
}

void Upheaval::Run() {
  while (!end_.load()) {
    if (Call(random_.Below(6))) continue;
    // The node is gone, or only busy.
    channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  }
}

bool Upheaval::Call(uint64_t number) {
  switch (number) {
    case 0:
      return groups_.size() < kGroupsMax ? CreateGroup() : DeleteGroup();
    case 1:
      return DeleteGroup();
    case 2:
      return TakeSnapshot();
    case 3:
      return RunBackup();
    case 4:
      return Flush();
    default:
      return Merge();
  }
}

bool Upheaval::CreateGroup() {
  const std::string name = "upheaval_" + std::to_string(groups_created_++);
  database::GroupRegistryServiceCreateRequest request;
  request.mutable_group()->mutable_metadata()->set_name(name);
  request.mutable_group()->set_catalog(common::CATALOG_MEASURE);
  common::ResourceOpts& options = *request.mutable_group()->mutable_resource_opts();
  options.set_shard_num(2);
  options.mutable_segment_interval()->set_unit(common::IntervalRule::UNIT_DAY);
  options.mutable_segment_interval()->set_num(1);
  options.mutable_ttl()->set_unit(common::IntervalRule::UNIT_DAY);
  options.mutable_ttl()->set_num(7);
  grpc::ClientContext context;
  SetDeadline(context);
  database::GroupRegistryServiceCreateResponse response;
  groups_[name] = Group::kComing;
  const grpc::Status status =
      database::GroupRegistryService::NewStub(channel_)->Create(&context, request, &response);
  if (status.ok()) {
    groups_[name] = Group::kThere;
    ++calls_;
  }
  return Answered(status);
}

bool Upheaval::DeleteGroup() {
  for (auto& [name, group] : groups_) {
    if (group != Group::kThere) continue;
    database::GroupRegistryServiceDeleteRequest request;
    request.set_group(name);
    request.set_force(true);
    grpc::ClientContext context;
    SetDeadline(context);
    database::GroupRegistryServiceDeleteResponse response;
    group = Group::kGoing;
    const grpc::Status status =
        database::GroupRegistryService::NewStub(channel_)->Delete(&context, request, &response);
    if (status.ok()) {
      group = Group::kGone;
      ++calls_;
    }
    return Answered(status);
  }
  return true;
}

bool Upheaval::TakeSnapshot() {
  grpc::ClientContext context;
  SetDeadline(context);
  database::SnapshotResponse response;
  const grpc::Status status =
      database::SnapshotService::NewStub(channel_)->Snapshot(&context, {}, &response);
  if (status.ok()) ++calls_;
  return Answered(status);
}

// Follows the run for a while.
bool Upheaval::RunBackup() {
  const auto stub = admin::v1::AdminService::NewStub(channel_);
  admin::v1::RunBackupRequest request;
  request.set_job(job_);
  admin::v1::RunBackupResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Status started = stub->RunBackup(&context, request, &response);
  if (!started.ok()) return Answered(started);
  admin::v1::WatchBackupRequest watched;
  watched.set_run(response.run());
  // It may wait a minute for the lease of a run that was killed: others are called meanwhile.
  grpc::ClientContext watching;
  watching.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  const auto reader = stub->WatchBackup(&watching, watched);
  admin::v1::WatchBackupResponse state;
  while (reader->Read(&state)) {
  }
  const grpc::Status status = reader->Finish();
  if (status.ok()) ++calls_;
  return status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED || Answered(status);
}

bool Upheaval::Flush() {
  grpc::ClientContext context;
  SetDeadline(context);
  admin::v1::FlushResponse response;
  const grpc::Status status =
      admin::v1::AdminService::NewStub(channel_)->Flush(&context, {}, &response);
  if (status.ok()) ++calls_;
  return Answered(status);
}

bool Upheaval::Merge() {
  grpc::ClientContext context;
  SetDeadline(context);
  admin::v1::MergeRequest request;
  request.set_wait(true);
  admin::v1::MergeResponse response;
  const grpc::Status status =
      admin::v1::AdminService::NewStub(channel_)->Merge(&context, request, &response);
  if (status.ok()) ++calls_;
  return Answered(status);
}

std::string Upheaval::Check(const std::string& address) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  SetDeadline(context);
  context.set_wait_for_ready(true);
  database::GroupRegistryServiceListResponse response;
  const grpc::Status status =
      database::GroupRegistryService::NewStub(channel)->List(&context, {}, &response);
  if (!status.ok()) return "the groups cannot be listed: " + status.error_message();
  std::set<std::string> there;
  for (const common::Group& group : response.group()) there.insert(group.metadata().name());
  for (auto entry = groups_.begin(); entry != groups_.end();) {
    const auto& [name, group] = *entry;
    const bool found = there.count(name) > 0;
    if (found && group == Group::kGone) return name + " was deleted and is there";
    if (!found && group == Group::kThere) return name + " was created and is not there";
    // What was in doubt is decided now.
    entry->second = Group::kThere;
    entry = found ? std::next(entry) : groups_.erase(entry);
  }
  return "";
}

}  // namespace ficus
