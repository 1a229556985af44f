#include "server/rpc/admin_service.h"

#include <string>
#include <thread>
#include <vector>

#include "test/server/rpc/fake_node.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

std::string Word(const grpc::ClientContext& call) {
  const auto& metadata = call.GetServerTrailingMetadata();
  const auto found = metadata.find("ficus-error");
  if (found == metadata.end()) return "";
  return std::string(found->second.data(), found->second.size());
}

v1::RunBackupRequest SpecRequest(const std::string& remote) {
  v1::RunBackupRequest request;
  request.mutable_spec()->set_remote(remote);
  return request;
}

grpc::Status Run(FakeNode& node, const v1::RunBackupRequest& request, std::string* id = nullptr,
                 std::string* word = nullptr) {
  grpc::ClientContext call;
  v1::RunBackupResponse response;
  grpc::Status status = node.Stub()->RunBackup(&call, request, &response);
  if (id != nullptr) *id = response.run();
  if (word != nullptr) *word = Word(call);
  return status;
}

// A run that never ends by itself.
RunStatus Endless(const std::string& id) {
  RunStatus run;
  run.run = id;
  run.remote = "local-disk";
  run.phase = RunPhase::kUpload;
  run.started_at = kNoon;
  return run;
}

BackupDetails DetailsOf(size_t objects) {
  BackupDetails details;
  details.entry = Committed("2025-11-20", objects);
  details.manifest.timedir = "2025-11-20";
  details.manifest.catalogs.push_back({"measure", Catalog::kMeasure, {{"sw_metric", GroupId(7)}}});
  for (size_t i = 0; i < objects; ++i) {
    BackupObject object;
    object.folder = "measure";
    object.path = "sw_metric/seg-20251120/shard-0/" + Hex16(i) + ".part";
    object.key = "2025-11-20/measure/" + object.path;
    object.size_bytes = i;
    details.manifest.objects.push_back(object);
  }
  return details;
}

TEST_CASE("a backup by hand is what the request says", "[rpc][admin]") {
  FakeNode node;
  v1::RunBackupRequest request = SpecRequest("local-disk");
  v1::BackupSpec& spec = *request.mutable_spec();
  spec.set_time_style(v1::TIME_STYLE_HOURLY);
  spec.set_form(v1::FORM_SEED);
  spec.add_groups("sw_*");
  spec.add_catalogs("measure");
  spec.set_verify(v1::VERIFY_MODE_SAMPLE);
  spec.set_sample_percent(2.5);
  spec.mutable_keep()->set_daily(7);
  spec.set_allow_degraded(true);
  request.set_dry_run(true);
  REQUIRE(Run(node, request).ok());
  const RunRequest asked = node.backups.requests().at(0);
  REQUIRE(asked.dry_run);
  REQUIRE(asked.job.empty());
  REQUIRE(asked.spec->remote == "local-disk");
  REQUIRE(asked.spec->time_style == TimeStyle::kHourly);
  REQUIRE(asked.spec->form == TimedirForm::kSeed);
  REQUIRE(asked.spec->groups == std::vector<std::string>{"sw_*"});
  REQUIRE(asked.spec->catalogs == std::vector<std::string>{"measure"});
  REQUIRE(asked.spec->verify == VerifyMode::kSample);
  REQUIRE(asked.spec->sample_percent == 2.5);
  REQUIRE(asked.spec->keep == KeepRule{0, 7, 0, 0, 0});
  REQUIRE(asked.spec->allow_degraded);
}

TEST_CASE("the only job and the only remote need no name, one of several does", "[rpc][admin]") {
  FakeNode node;
  REQUIRE(Run(node, {}).ok());
  REQUIRE(node.backups.requests().at(0).job == "nightly");
  REQUIRE(Run(node, SpecRequest("")).ok());
  REQUIRE(node.backups.requests().at(1).spec->remote == "local-disk");
  node.setup.remotes.push_back({"s3-main", "s3://bucket"});
  node.setup.jobs.push_back({"hourly", "s3-main", {}});
  for (const v1::RunBackupRequest& request : {v1::RunBackupRequest(), SpecRequest("")}) {
    const grpc::Status status = Run(node, request);
    REQUIRE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    REQUIRE(status.error_message().find(request.has_spec() ? "s3-main" : "hourly") !=
            std::string::npos);
  }
}

TEST_CASE("requests out of bounds are refused before anything is done", "[rpc][admin]") {
  FakeNode node;
  std::vector<v1::RunBackupRequest> bad(7, SpecRequest("local-disk"));
  bad[0].mutable_spec()->set_time_style(static_cast<v1::TimeStyle>(9));
  bad[1].mutable_spec()->set_form(static_cast<v1::Form>(9));
  bad[2].mutable_spec()->set_verify(static_cast<v1::VerifyMode>(9));
  bad[3].mutable_spec()->set_sample_percent(100.5);
  bad[4].mutable_spec()->add_catalogs("../etc");
  for (int i = 0; i <= 1000; ++i) bad[5].mutable_spec()->add_groups("g");
  bad[6].mutable_spec()->mutable_keep()->set_min(1'000'000);
  for (size_t i = 0; i < bad.size(); ++i) {
    CAPTURE(i);
    std::string word;
    REQUIRE(Run(node, bad[i], nullptr, &word).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    REQUIRE(word == "invalid argument");
  }
  v1::RunBackupRequest long_name;
  long_name.set_job(std::string(256, 'j'));
  REQUIRE(Run(node, long_name).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  grpc::ClientContext call;
  v1::ListSchedulesRequest many;
  many.set_next(101);
  v1::ListSchedulesResponse schedules;
  REQUIRE(node.Stub()->ListSchedules(&call, many, &schedules).error_code() ==
          grpc::StatusCode::INVALID_ARGUMENT);
  REQUIRE(node.backups.requests().empty());
}

TEST_CASE("a refusal has the code of the error and its word beside it", "[rpc][admin]") {
  FakeNode node;
  v1::RunBackupRequest unknown;
  unknown.set_job("no-such");
  std::string word;
  REQUIRE(Run(node, unknown, nullptr, &word).error_code() == grpc::StatusCode::NOT_FOUND);
  REQUIRE(word == "not found");
  node.backups.refuse = Error{ErrorCode::kNoSpace, "disk full \xFF"};
  const grpc::Status status = Run(node, {}, nullptr, &word);
  REQUIRE(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  REQUIRE(word == "no space");
  REQUIRE(status.error_message() == "disk full \xEF\xBF\xBD");
}

TEST_CASE("a watched run is told again and again, and at its end once more", "[rpc][admin]") {
  FakeNode node;
  node.backups.Put(Endless("a"));
  node.backups.on_look = [looks = 0](RunStatus& run) mutable {
    run.moved.bytes_sent = static_cast<uint64_t>(++looks);
    if (looks == 3) run.phase = RunPhase::kDone;
  };
  grpc::ClientContext call;
  v1::WatchBackupRequest request;
  request.set_run("a");
  const auto reader = node.Stub()->WatchBackup(&call, request);
  std::vector<uint64_t> sent;
  v1::WatchBackupResponse response;
  while (reader->Read(&response)) sent.push_back(response.run().moved().bytes_sent());
  REQUIRE(reader->Finish().ok());
  REQUIRE(sent == std::vector<uint64_t>{1, 2, 3});
  REQUIRE(response.run().ended());
  REQUIRE(response.run().phase() == v1::RUN_PHASE_DONE);
}

TEST_CASE("a run that is not known cannot be watched", "[rpc][admin]") {
  FakeNode node;
  grpc::ClientContext call;
  v1::WatchBackupRequest request;
  request.set_run("nobody");
  const auto reader = node.Stub()->WatchBackup(&call, request);
  v1::WatchBackupResponse response;
  REQUIRE_FALSE(reader->Read(&response));
  REQUIRE(reader->Finish().error_code() == grpc::StatusCode::NOT_FOUND);
  REQUIRE(Word(call) == "not found");
}

TEST_CASE("watching ends when the client goes, and the run goes on", "[rpc][admin]") {
  FakeNode node;
  node.backups.Put(Endless("a"));
  v1::WatchBackupRequest request;
  request.set_run("a");
  {
    grpc::ClientContext call;
    const auto reader = node.Stub()->WatchBackup(&call, request);
    v1::WatchBackupResponse response;
    REQUIRE(reader->Read(&response));
    call.TryCancel();
    REQUIRE(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  REQUIRE(node.backups.Status("a")->phase == RunPhase::kUpload);
  // The destructor of the node would wait for ever for a stream that did not end.
}

TEST_CASE("an interval lies between two looks of a watcher", "[rpc][admin]") {
  AdminOptions options;
  options.watch_interval_nanos = kNanosPerHour;
  FakeNode node(options);
  node.backups.Put(Endless("a"));
  v1::WatchBackupRequest request;
  request.set_run("a");
  grpc::ClientContext call;
  const auto reader = node.Stub()->WatchBackup(&call, request);
  v1::WatchBackupResponse response;
  REQUIRE(reader->Read(&response));
  call.TryCancel();  // in the middle of the hour
  REQUIRE(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  REQUIRE(node.backups.looks() == 1);
}

TEST_CASE("streams end when the node stops, and a verification with them", "[rpc][admin]") {
  FakeNode node;
  node.backups.Put(Endless("a"));
  node.backups.verify_waits = true;
  v1::WatchBackupRequest watch;
  watch.set_run("a");
  v1::VerifyBackupRequest verify;
  verify.set_timedir("2025-11-20");
  grpc::ClientContext watching;
  grpc::ClientContext verifying;
  const auto watcher = node.Stub()->WatchBackup(&watching, watch);
  const auto verifier = node.Stub()->VerifyBackup(&verifying, verify);
  v1::WatchBackupResponse run;
  v1::VerifyBackupResponse progress;
  REQUIRE(watcher->Read(&run));
  REQUIRE(verifier->Read(&progress));
  node.admin().Shut();
  while (watcher->Read(&run)) {
  }
  while (verifier->Read(&progress)) {
  }
  REQUIRE(watcher->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  REQUIRE(verifier->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  REQUIRE(Word(watching) == "unavailable");
  node.backups.Await([](const FakeBackups& backups) { return backups.verifications_ended == 1; });
}

TEST_CASE("a cancel does not queue behind calls that wait for a store", "[rpc][admin]") {
  FakeNode node;
  node.backups.Put(Endless("a"));
  node.backups.verify_waits = true;
  v1::VerifyBackupRequest verify;
  verify.set_timedir("2025-11-20");
  grpc::ClientContext verifying[2];
  std::vector<std::unique_ptr<grpc::ClientReader<v1::VerifyBackupResponse>>> readers;
  for (grpc::ClientContext& call : verifying) {
    readers.push_back(node.Stub()->VerifyBackup(&call, verify));
  }
  node.backups.Await([](const FakeBackups& backups) { return backups.verifying == 2; });
  {
    grpc::ClientContext call;
    v1::CancelBackupRequest request;
    request.set_run("a");
    v1::CancelBackupResponse response;
    REQUIRE(node.Stub()->CancelBackup(&call, request, &response).ok());
    REQUIRE(response.run().phase() == v1::RUN_PHASE_CANCELLED);
  }
  grpc::ClientContext third;
  const auto refused = node.Stub()->VerifyBackup(&third, verify);
  v1::VerifyBackupResponse response;
  REQUIRE_FALSE(refused->Read(&response));
  REQUIRE(refused->Finish().error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (size_t i = 0; i < readers.size(); ++i) {
    verifying[i].TryCancel();
    while (readers[i]->Read(&response)) {
    }
    REQUIRE(readers[i]->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
}

TEST_CASE("a verification stops when its client goes", "[rpc][admin]") {
  FakeNode node;
  node.backups.verify_waits = true;
  v1::VerifyBackupRequest request;
  request.set_timedir("2025-11-20");
  grpc::ClientContext call;
  const auto reader = node.Stub()->VerifyBackup(&call, request);
  v1::VerifyBackupResponse response;
  REQUIRE(reader->Read(&response));
  while (response.progress().bytes_total() == 0) REQUIRE(reader->Read(&response));
  REQUIRE(response.progress().objects_done() == 1);
  REQUIRE(response.progress().objects_total() == 4);
  REQUIRE(response.progress().bytes_done() == 1000);
  REQUIRE(response.progress().bytes_total() == 4000);
  node.backups.Await([](const FakeBackups& backups) { return backups.verifying == 1; });
  call.TryCancel();
  REQUIRE(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  node.backups.Await([](const FakeBackups& backups) { return backups.verifications_ended == 1; });
}

TEST_CASE("a verdict names every damaged object in bounded messages", "[rpc][admin]") {
  FakeNode node;
  RepositoryListing listing;
  listing.backups = {Committed("2025-11-20", 5000)};
  node.backups.listings.insert_or_assign("local-disk", listing);
  node.backups.verdict = Verified(listing.backups[0], VerifyLevel::kFull);
  for (int i = 0; i < 2500; ++i) {
    node.backups.verdict.damaged.push_back({"key-" + std::to_string(i), "missing"});
  }
  v1::VerifyBackupRequest request;
  request.set_timedir("2025-11-20");
  grpc::ClientContext call;
  const auto reader = node.Stub()->VerifyBackup(&call, request);
  v1::VerificationRecord record;
  int largest = 0;
  v1::VerifyBackupResponse response;
  while (reader->Read(&response)) {
    largest = std::max(largest, response.record().damaged_size());
    record.MergeFrom(response.record());
  }
  REQUIRE(reader->Finish().ok());
  REQUIRE(largest == 1000);
  REQUIRE(record.damaged_size() == 2500);
  REQUIRE(record.damaged_objects() == 2500);
  REQUIRE(record.damaged(2499).key() == "key-2499");
  REQUIRE(record.objects_read() == 5000);
  REQUIRE(record.level() == v1::VERIFY_LEVEL_FULL);
}

TEST_CASE("a backup of 100,000 objects is shown below the usual message limit", "[rpc][admin]") {
  FakeNode node;
  node.backups.details["2025-11-20"] = DetailsOf(100'000);
  v1::ShowBackupRequest request;
  request.set_timedir("2025-11-20");
  grpc::ClientContext call;
  const auto reader = node.Stub()->ShowBackup(&call, request);
  v1::ShowBackupResponse response;
  REQUIRE(reader->Read(&response));
  REQUIRE(response.description().backup().object_count() == 100'000);
  REQUIRE(response.description().catalogs(0).groups(0).name() == "sw_metric");
  uint64_t next = 0;
  bool in_order = true;
  while (reader->Read(&response)) {  // the client's default limit of 4 MiB holds
    for (const v1::BackupObject& object : response.objects()) {
      in_order = in_order && object.size_bytes() == next++;
    }
  }
  REQUIRE(reader->Finish().ok());
  REQUIRE(in_order);
  REQUIRE(next == 100'000);
}

TEST_CASE("a reader that stops reading holds nobody up and can go", "[rpc][admin]") {
  FakeNode node;
  node.backups.details["2025-11-20"] = DetailsOf(100'000);
  v1::ShowBackupRequest request;
  request.set_timedir("2025-11-20");
  const size_t readers_wanted = AdminOptions().store_threads + 2;
  std::vector<std::unique_ptr<grpc::ClientContext>> calls;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ShowBackupResponse>>> readers;
  v1::ShowBackupResponse response;
  for (size_t i = 0; i < readers_wanted; ++i) {
    calls.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(node.Stub()->ShowBackup(calls.back().get(), request));
    REQUIRE(readers.back()->Read(&response));  // and no more
  }
  grpc::ClientContext call;
  v1::BackupStatusRequest status;
  status.set_restore_points(true);  // the same pool
  v1::BackupStatusResponse answer;
  REQUIRE(node.Stub()->BackupStatus(&call, status, &answer).ok());
  for (size_t i = 0; i < readers_wanted; ++i) {
    calls[i]->TryCancel();
    while (readers[i]->Read(&response)) {
    }
    REQUIRE(readers[i]->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
}

TEST_CASE("the list names remotes that cannot be read and has the others", "[rpc][admin]") {
  FakeNode node;
  node.setup.remotes = {{"s3-main", "s3://bucket"}, {"local-disk", "file:///b"}};
  RepositoryListing listing;
  for (int day = 10; day < 30; ++day) {
    listing.backups.push_back(Committed("2025-11-" + std::to_string(day)));
  }
  listing.backups[0].verification = Verified(listing.backups[0], VerifyLevel::kFull);
  listing.backups[1].verification = Verified(listing.backups[1], VerifyLevel::kSample);
  listing.unread.push_back({"_meta/hold/x", {ErrorCode::kCorruption, "torn"}});
  node.backups.listings.insert_or_assign("local-disk", listing);
  node.backups.listings.insert_or_assign("s3-main",
                                         Error{ErrorCode::kUnavailable, "no route to host"});
  grpc::ClientContext call;
  const auto reader = node.Stub()->ListBackups(&call, {});
  v1::ListBackupsResponse list;
  v1::ListBackupsResponse part;
  while (reader->Read(&part)) list.MergeFrom(part);
  REQUIRE(reader->Finish().ok());
  REQUIRE(list.errors_size() == 1);
  REQUIRE(list.errors(0).remote() == "s3-main");
  REQUIRE(list.errors(0).error_code() == "unavailable");
  REQUIRE(list.unread_size() == 1);
  REQUIRE(list.unread(0) == "local-disk/_meta/hold/x: torn");
  REQUIRE(list.backups_size() == 20);
  REQUIRE(list.backups(0).timedir() == "2025-11-29");  // newest first
  REQUIRE(list.backups(19).verified());
  REQUIRE_FALSE(list.backups(18).verified());
  REQUIRE(list.backups(18).verify_level() == v1::VERIFY_LEVEL_SAMPLE);

  grpc::ClientContext one;
  v1::ListBackupsRequest request;
  request.set_remote("s3-main");
  const auto refused = node.Stub()->ListBackups(&one, request);
  REQUIRE_FALSE(refused->Read(&part));
  REQUIRE(refused->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  REQUIRE(Word(one) == "unavailable");
}

TEST_CASE("the status says what each remote could restore", "[rpc][admin]") {
  FakeNode node;
  RepositoryListing listing;
  listing.backups = {Committed("2025-11-19"), Committed("2025-11-20")};
  listing.backups[0].commit->taken_at = kNoon - kNanosPerDay;
  listing.backups[0].verification = Verified(listing.backups[0], VerifyLevel::kFull);
  node.backups.listings.insert_or_assign("local-disk", listing);
  node.backups.Put(Endless("a"));
  grpc::ClientContext call;
  v1::BackupStatusRequest request;
  request.set_restore_points(true);
  v1::BackupStatusResponse status;
  REQUIRE(node.Stub()->BackupStatus(&call, request, &status).ok());
  REQUIRE(status.runs_size() == 1);
  REQUIRE(status.restore_points_size() == 1);
  REQUIRE(status.restore_points(0).verified_timedir() == "2025-11-19");
  REQUIRE(status.restore_points(0).committed_timedir() == "2025-11-20");
  REQUIRE(status.restore_points(0).committed() == 2);
  REQUIRE(status.restore_points(0).verified() == 1);
}

TEST_CASE("pruning keeps what any job of the remote keeps", "[rpc][admin]") {
  FakeNode node;
  node.setup.jobs = {{"a", "local-disk", KeepRule{24, 7, 0, 0, 1}},
                     {"b", "local-disk", KeepRule{0, 30, 4, 0, 3}},
                     {"c", "elsewhere", KeepRule{99, 99, 99, 99, 99}}};
  const auto prune = [&](const v1::PruneBackupsRequest& request) {
    grpc::ClientContext call;
    v1::PruneBackupsResponse response;
    return node.Stub()->PruneBackups(&call, request, &response);
  };
  REQUIRE(prune({}).ok());
  REQUIRE(node.backups.prunes().at(0).second == KeepRule{24, 30, 4, 0, 3});
  node.setup.jobs.push_back({"d", "local-disk", {}});
  REQUIRE(prune({}).error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  node.setup.jobs.clear();
  REQUIRE(prune({}).error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  v1::PruneBackupsRequest said;
  said.mutable_keep()->set_min(2);
  said.set_dry_run(true);
  REQUIRE(prune(said).ok());
  REQUIRE(node.backups.prunes().size() == 1);
}

TEST_CASE("pruning beside a run says that somebody works there", "[rpc][admin]") {
  FakeNode node;
  node.backups.refuse = Error{ErrorCode::kUnavailable, "the lease is taken"};
  const auto prune = [&] {
    grpc::ClientContext call;
    v1::PruneBackupsResponse response;
    return node.Stub()->PruneBackups(&call, {}, &response).error_code();
  };
  REQUIRE(prune() == grpc::StatusCode::UNAVAILABLE);
  node.backups.Put(Endless("a"));
  REQUIRE(prune() == grpc::StatusCode::ABORTED);
}

TEST_CASE("a remote is tested, and one that is not configured is named", "[rpc][admin]") {
  FakeNode node;
  node.backups.checks = {{"ranged read", true, "ok"}, {"create only if absent", false, "412 lost"}};
  grpc::ClientContext call;
  v1::TestRemoteResponse response;
  REQUIRE(node.Stub()->TestRemote(&call, {}, &response).ok());
  REQUIRE(response.remote() == "local-disk");
  REQUIRE(response.checks_size() == 2);
  REQUIRE_FALSE(response.checks(1).passed());
  grpc::ClientContext other;
  v1::TestRemoteRequest request;
  request.set_remote("s4");
  const grpc::Status status = node.Stub()->TestRemote(&other, request, &response);
  REQUIRE(status.error_code() == grpc::StatusCode::NOT_FOUND);
  REQUIRE(status.error_message() == "there is no remote 's4'; configured: local-disk");
}

TEST_CASE("schedules are listed, paused and resumed", "[rpc][admin]") {
  FakeNode node;
  const auto stub = node.Stub();
  grpc::ClientContext calls[4];
  v1::PauseScheduleRequest pause;
  pause.set_job("nightly");
  v1::PauseScheduleResponse paused;
  REQUIRE(stub->PauseSchedule(&calls[0], pause, &paused).ok());
  v1::ListSchedulesRequest request;
  request.set_next(2);
  v1::ListSchedulesResponse list;
  REQUIRE(stub->ListSchedules(&calls[1], request, &list).ok());
  REQUIRE(list.schedules(0).paused());
  REQUIRE(list.schedules(0).next_size() == 2);
  REQUIRE(list.schedules(0).missed() == 1);
  REQUIRE(list.schedules(0).skipped() == 2);
  v1::ResumeScheduleRequest resume;
  resume.set_job("nightly");
  v1::ResumeScheduleResponse resumed;
  REQUIRE(stub->ResumeSchedule(&calls[2], resume, &resumed).ok());
  REQUIRE_FALSE(node.schedules.view.paused);
  resume.set_job("other");
  REQUIRE(stub->ResumeSchedule(&calls[3], resume, &resumed).error_code() ==
          grpc::StatusCode::NOT_FOUND);
}

TEST_CASE("a flush answers when it is done, a merge only when asked to wait", "[rpc][admin]") {
  FakeNode node;
  const auto stub = node.Stub();
  grpc::ClientContext calls[5];
  v1::FlushResponse flushed;
  REQUIRE(stub->Flush(&calls[0], {}, &flushed).ok());
  node.upkeep.refuse = Error{ErrorCode::kNoSpace, "full"};
  REQUIRE(stub->Flush(&calls[1], {}, &flushed).error_code() ==
          grpc::StatusCode::RESOURCE_EXHAUSTED);
  node.upkeep.answers = false;
  v1::MergeRequest merge;
  v1::MergeResponse merged;
  REQUIRE(stub->Merge(&calls[2], merge, &merged).ok());
  merge.set_wait(true);
  const auto ask_and_leave = [&](grpc::ClientContext& call) {
    grpc::Status status;
    std::jthread asking([&] { status = stub->Merge(&call, merge, &merged); });
    auto done = node.upkeep.TakeWaiting();
    call.TryCancel();
    asking.join();
    REQUIRE(status.error_code() == grpc::StatusCode::CANCELLED);
    return done;
  };
  ask_and_leave(calls[3])(Ok());  // long after the client went
  ask_and_leave(calls[4]);
  // Nobody answers this one: the node could not stop if the call waited for it.
}

TEST_CASE("the clock is confirmed", "[rpc][admin]") {
  FakeNode node;
  grpc::ClientContext call;
  v1::ConfirmClockResponse response;
  REQUIRE(node.Stub()->ConfirmClock(&call, {}, &response).ok());
  REQUIRE(node.upkeep.clocks_confirmed == 1);
  REQUIRE(node.backups.clocks_confirmed() == 1);
}

TEST_CASE("snapshots are listed, deleted and verified", "[rpc][admin]") {
  FakeNode node;
  SnapshotSummary good;
  good.id = "20251120120000-0000002A";
  good.taken_at = kNoon;
  good.files = 12;
  CatalogSnapshot stream;
  stream.folder = "stream";
  stream.error = "group b: gone";
  good.catalogs.push_back(stream);
  SnapshotSummary torn;
  torn.id = "20251120110000-00000029";
  torn.damage = "checksum";
  node.upkeep.snapshots = {good, torn};
  for (int i = 0; i < 1200; ++i) node.upkeep.verification.damage.push_back({"p", "missing"});
  const auto stub = node.Stub();
  grpc::ClientContext calls[4];
  v1::ListSnapshotsResponse list;
  REQUIRE(stub->ListSnapshots(&calls[0], {}, &list).ok());
  REQUIRE(list.snapshots_size() == 2);
  REQUIRE(list.snapshots(0).files() == 12);
  REQUIRE(list.snapshots(0).problems(0) == "stream: group b: gone");
  REQUIRE(list.snapshots(1).damage() == "checksum");
  v1::VerifySnapshotRequest verify;
  verify.set_id(good.id);
  v1::VerifySnapshotResponse verified;
  REQUIRE(stub->VerifySnapshot(&calls[1], verify, &verified).ok());
  REQUIRE(verified.damaged_files() == 1200);
  REQUIRE(verified.damaged_size() == 1000);
  v1::DeleteSnapshotRequest remove;
  remove.set_id(torn.id);
  v1::DeleteSnapshotResponse removed;
  REQUIRE(stub->DeleteSnapshot(&calls[2], remove, &removed).ok());
  REQUIRE(node.upkeep.deleted == std::vector<std::string>{torn.id});
  node.upkeep.refuse = Error{ErrorCode::kFailedPrecondition, "a backup reads it"};
  REQUIRE(stub->DeleteSnapshot(&calls[3], remove, &removed).error_code() ==
          grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace ficus
