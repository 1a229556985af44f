#include "server/ctl/backup.h"

#include <thread>

#include "test/server/ctl/ctl_harness.h"

namespace ficus {
namespace {

using Words = std::vector<std::string>;

RunStatus Endless(const std::string& id) {
  RunStatus run;
  run.run = id;
  run.job = "nightly";
  run.remote = "local-disk";
  run.phase = RunPhase::kUpload;
  run.started_at = kNoon;
  run.planned.bytes_total = 1000;
  return run;
}

void SetListing(FakeNode& node, const std::vector<BackupEntry>& entries) {
  RepositoryListing listing;
  listing.backups = entries;
  node.backups.listings.insert_or_assign("local-disk", listing);
}

TEST_CASE("backup run ends with 0 and says what was committed", "[ctl][backup]") {
  FakeNode node;
  node.backups.on_run = [](RunStatus& run) {
    run.phase = RunPhase::kDone;
    run.generation = 3;
    run.planned.files_total = 1234;
    run.planned.bytes_total = 3 << 20;
    run.moved = run.planned;
    run.moved.files_sent = 1;
    run.verified = true;
  };
  const Outcome outcome = RunCtl(node, {"backup", "run", "nightly"});
  CAPTURE(outcome.out, outcome.err);
  REQUIRE(outcome.code == 0);
  REQUIRE(
      outcome.OutHas("nightly: committed local-disk/2025-11-20, generation 3: 1,234 files "
                     "(3.0 MiB) in 00:12"));
  REQUIRE(outcome.OutHas("verified"));
  REQUIRE(outcome.err.empty());
}

TEST_CASE("a dry run counts exactly and says would", "[ctl][backup]") {
  FakeNode node;
  node.backups.on_run = [](RunStatus& run) {
    run.phase = RunPhase::kDone;
    run.planned = {10, 4096, 7, 4000, 2, 90, 1, 6};
  };
  const Outcome outcome = RunCtl(node, {"backup", "run", "nightly", "--dry-run"});
  REQUIRE(outcome.code == 0);
  REQUIRE(node.backups.requests().at(0).dry_run);
  REQUIRE(outcome.OutHas("would commit local-disk/2025-11-20: 10 files (4.0 KiB)"));
  REQUIRE(outcome.OutHas("to send: 7 files (3.9 KiB)"));
  REQUIRE(outcome.OutHas("to copy inside the store: 2 files (90 B)"));
  REQUIRE(outcome.OutHas("there already: 1 file (6 B)"));
}

TEST_CASE("each end of a run has its exit code and says what next", "[ctl][backup]") {
  struct Case {
    std::function<void(RunStatus&)> end;
    int code;
    const char* says;
  };
  const auto fail = [](ErrorCode code) {
    return [code](RunStatus& run) {
      run.phase = RunPhase::kFailed;
      run.error_code = code;
      run.error = "403 on PUT x";
    };
  };
  const std::vector<Case> cases = {
      {[](RunStatus& run) { run.phase = RunPhase::kDone; }, 0, ""},
      {fail(ErrorCode::kIo), 1, "nightly: 403 on PUT x. Nothing was committed"},
      {fail(ErrorCode::kNoSpace), 1, "ficusctl remote test local-disk"},
      {fail(ErrorCode::kCorruption), 4, "403"},
      {fail(ErrorCode::kNotFound), 6, "403"},
      {fail(ErrorCode::kUnavailable), 7, "403"},
      {fail(ErrorCode::kPermissionDenied), 8, "403"},
      {[](RunStatus& run) {
         run.phase = RunPhase::kDone;
         run.degraded = true;
         run.missing = 2;
       },
       3, "without 2 files"},
      {[](RunStatus& run) {
         run.phase = RunPhase::kDone;
         run.error = "prune: away";
       },
       3, "what follows the commit failed: prune: away"},
      {[](RunStatus& run) {
         run.phase = RunPhase::kDone;
         run.error = "verify: away";
         run.resumable = true;
       },
       3, "committed, but what follows the commit failed: verify: away. The next run goes on"},
      {[](RunStatus& run) {
         run.phase = RunPhase::kFailed;
         run.error_code = ErrorCode::kUnavailable;
         run.error = "away";
         run.resumable = true;
       },
       7, "away. It is not finished; earlier backups are as they were. The next run goes on"},
      {[](RunStatus& run) {
         run.phase = RunPhase::kDone;
         run.damaged = 5;
       },
       4, "5 damaged objects"},
      {[](RunStatus& run) { run.phase = RunPhase::kCancelled; }, 1, "was cancelled"},
      {[](RunStatus& run) { run.phase = RunPhase::kCleaned; }, 1, "cleaned up"},
  };
  for (const Case& one : cases) {
    FakeNode node;
    node.backups.on_run = one.end;
    const Outcome outcome = RunCtl(node, {"backup", "run"});
    CAPTURE(one.says, outcome.out, outcome.err);
    REQUIRE(outcome.code == one.code);
    REQUIRE(outcome.ErrHas(one.says));
  }
}

TEST_CASE("a refused call has its exit code", "[ctl][backup]") {
  const std::vector<std::pair<ErrorCode, int>> cases = {
      {ErrorCode::kInvalidArgument, 2},    {ErrorCode::kAlreadyExists, 5},
      {ErrorCode::kResourceExhausted, 5},  {ErrorCode::kNotFound, 6},
      {ErrorCode::kUnavailable, 7},        {ErrorCode::kPermissionDenied, 8},
      {ErrorCode::kFailedPrecondition, 9}, {ErrorCode::kNoSpace, 1},
      {ErrorCode::kCorruption, 4}};
  for (const auto& [code, expected] : cases) {
    FakeNode node;
    node.backups.refuse = Error{code, "the reason"};
    const Outcome outcome = RunCtl(node, {"backup", "run"});
    CAPTURE(ErrorCodeName(code), outcome.err);
    REQUIRE(outcome.code == expected);
    REQUIRE(outcome.err == "ficusctl: backup: the reason\n");
    REQUIRE(outcome.out.empty());
  }
}

TEST_CASE("a node that is not there is 7, wrong words are 2", "[ctl][backup]") {
  std::string gone;
  {
    const FakeNode node;
    gone = node.address();
  }
  const Outcome outcome = RunCtl({"backup", "list", "--addr", gone});
  REQUIRE(outcome.code == 7);
  REQUIRE(outcome.ErrHas("no node answers at " + gone));
  FakeNode node;
  const std::vector<Words> wrong = {
      {"backup"},
      {"backup", "sing"},
      {"backup", "show"},
      {"backup", "run", "--time-style", "yearly"},
      {"backup", "run", "nightly", "--remote", "local-disk"},
      {"backup", "run", "--remote", "local-disk", "--verify", "twice"},
      {"backup", "run", "--remote", "local-disk", "--verify", "sample 101%"},
      {"backup", "run", "--remote", "local-disk", "--keep", "daily"},
      {"backup", "run", "--remote", "local-disk", "--keep", "yearly=1"},
      {"backup", "run", "--remote", "local-disk", "--catalog", "logs"},
      {"backup", "verify", "2025-11-20", "--quick", "--full"},
      {"backup", "verify", "2025-11-20", "--sample", "0"},
      {"backup", "show", "s3/2025-11-20", "--remote", "local-disk"},
      {"backup", "list", "-o", "xml"},
      {"backup", "list", "--timeout", "soon"},
      {"schedule", "next", "-n", "0"}};
  for (const Words& words : wrong) {
    const Outcome refused = RunCtl(node, words);
    CAPTURE(words.back(), refused.err);
    REQUIRE(refused.code == 2);
    REQUIRE_FALSE(refused.err.empty());
  }
  REQUIRE(node.backups.requests().empty());
}

TEST_CASE("a backup by hand passes on what was said", "[ctl][backup]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"backup", "run", "--dest", "file:///var/backups//ficus/", "--time-style",
                        "hourly", "--form", "seed", "--group", "a,c", "--group", "b*", "--catalog",
                        "stream", "--verify", "sample 2.5%", "--keep", "daily=7,min=3",
                        "--allow-degraded"})
              .code == 0);
  const BackupJobSpec spec = *node.backups.requests().at(0).spec;
  REQUIRE(spec.remote == "local-disk");
  REQUIRE(spec.time_style == TimeStyle::kHourly);
  REQUIRE(spec.form == TimedirForm::kSeed);
  REQUIRE(spec.groups == Words{"a", "c", "b*"});
  REQUIRE(spec.catalogs == Words{"stream"});
  REQUIRE(spec.verify == VerifyMode::kSample);
  REQUIRE(spec.sample_percent == 2.5);
  REQUIRE(spec.keep == KeepRule{0, 7, 0, 0, 3});
  REQUIRE(spec.allow_degraded);
}

TEST_CASE("a destination that is not configured is 78 with the lines to write", "[ctl][backup]") {
  FakeNode node;
  const Outcome outcome = RunCtl(node, {"backup", "run", "--dest", "s3:///bucket/ficus"});
  REQUIRE(outcome.code == 78);
  REQUIRE(outcome.ErrHas("      url: s3://bucket/ficus\n"));
  REQUIRE(outcome.ErrHas("local-disk: file:///var/backups/ficus"));
  REQUIRE(node.backups.requests().empty());
}

TEST_CASE("a schedule of BanyanDB's tool is the node's own or 78", "[ctl][backup]") {
  FakeNode node;
  const Words line = {"backup", "run", "--dest", "file:///var/backups/ficus", "--schedule"};
  Words other = line;
  other.emplace_back("hourly");
  const Outcome refused = RunCtl(node, other);
  REQUIRE(refused.code == 78);
  REQUIRE(refused.ErrHas("      schedule: \"@hourly\"\n"));
  std::stop_source stop;
  stop.request_stop();
  Words same = line;
  same.emplace_back("daily");
  // Interrupted in the first call already: it stays until then, and ends in order.
  const Outcome stopped = RunCtl(node, same, {false, stop.get_token()});
  REQUIRE(stopped.code == 130);
  REQUIRE(node.backups.requests().empty());
}

TEST_CASE("no-follow prints the run and does not wait", "[ctl][backup]") {
  FakeNode node;
  node.backups.on_run = [](RunStatus& run) { run.phase = RunPhase::kUpload; };
  const Outcome outcome = RunCtl(node, {"backup", "run", "--no-follow", "-o", "json"});
  REQUIRE(outcome.code == 0);
  REQUIRE(outcome.out == "{\"run\":\"r1\"}\n");
  REQUIRE(node.backups.looks() == 0);
}

TEST_CASE("an interrupted follow is 130 and leaves the run to the node", "[ctl][backup]") {
  FakeNode node;
  std::stop_source stop;
  node.backups.on_run = [](RunStatus& run) { run.phase = RunPhase::kUpload; };
  node.backups.on_look = [&stop](RunStatus&) { stop.request_stop(); };
  const Outcome outcome = RunCtl(node, {"backup", "run"}, {false, stop.get_token()});
  REQUIRE(outcome.code == 130);
  REQUIRE(outcome.ErrHas("run r1 goes on in the node"));
  REQUIRE(outcome.ErrHas("ficusctl backup cancel r1"));
  REQUIRE(node.backups.Status("r1")->phase == RunPhase::kUpload);
}

TEST_CASE("progress goes to standard error, on a terminal in one line", "[ctl][backup]") {
  for (const bool terminal : {false, true}) {
    FakeNode node;
    node.backups.on_run = [](RunStatus& run) {
      run.phase = RunPhase::kUpload;
      run.planned.bytes_total = 1000;
    };
    node.backups.on_look = [looks = 0](RunStatus& run) mutable {
      run.moved.bytes_sent = 250;
      if (++looks == 4) run.phase = RunPhase::kDone;
    };
    const Outcome outcome = RunCtl(node, {"backup", "run", "-o", "json"}, {terminal, {}});
    CAPTURE(terminal, outcome.err);
    REQUIRE(outcome.code == 0);
    REQUIRE(outcome.out.front() == '{');
    REQUIRE(outcome.ErrHas("nightly  upload  25.0 %  250 B of 1000 B"));
    REQUIRE(outcome.ErrHas("\x1b[K") == terminal);
    if (!terminal) {
      REQUIRE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    } else {
      REQUIRE(outcome.err.substr(outcome.err.size() - 4) == "\r\x1b[K");
    }
  }
}

TEST_CASE("backup list shows states, and is 3 when a remote cannot be read", "[ctl][backup]") {
  FakeNode node;
  BackupEntry verified = Committed("2025-11-19");
  verified.verification = Verified(verified, VerifyLevel::kFull);
  BackupEntry broken = Committed("2025-11-18");
  broken.state = BackupState::kDamaged;
  SetListing(node, {broken, verified, Committed("2025-11-20")});
  const Outcome good = RunCtl(node, {"backup", "list"});
  CAPTURE(good.out);
  REQUIRE(good.code == 0);
  REQUIRE(
      good.OutHas("BACKUP                 STATE      TAKEN                 SIZE     OBJECTS  "
                  "JOB\n"
                  "local-disk/2025-11-20  committed  2025-11-20T12:00:00Z  2.9 KiB  3        "
                  "nightly\n"
                  "local-disk/2025-11-19  verified   "));
  REQUIRE(good.OutHas("local-disk/2025-11-18  damaged    "));
  REQUIRE(RunCtl(node, {"backup", "list", "-o", "wide"}).OutHas("run-of-2025-11-19"));
  node.setup.remotes.push_back({"s3-main", "s3://b"});
  node.backups.listings.insert_or_assign("s3-main", Error{ErrorCode::kUnavailable, "no route"});
  const Outcome partly = RunCtl(node, {"backup", "list", "-o", "json"});
  REQUIRE(partly.code == 3);
  REQUIRE(partly.ErrHas("s3-main: no route"));
  REQUIRE(partly.OutHas("\"errors\":[{\"remote\":\"s3-main\",\"error\":\"no route\","));
  REQUIRE(RunCtl(node, {"backup", "list", "--remote", "s3-main"}).code == 7);
  REQUIRE(RunCtl(node, {"backup", "list", "--remote", "s4"}).code == 6);
}

TEST_CASE("backup show describes one backup and its objects", "[ctl][backup]") {
  FakeNode node;
  BackupDetails details;
  details.entry = Committed("2025-11-20", 2500);
  details.manifest.catalogs = {{"measure", Catalog::kMeasure, {{"g", GroupId(7)}}},
                               {"stream", Catalog::kStream, {}}};
  for (int i = 0; i < 2500; ++i) {
    BackupObject object;
    object.key = "k" + std::to_string(i);
    details.manifest.objects.push_back(object);
  }
  node.backups.details["2025-11-20"] = details;
  const Outcome table = RunCtl(node, {"backup", "show", "local-disk/2025-11-20"});
  REQUIRE(table.code == 0);
  REQUIRE(table.OutHas("objects    2,500, 2.4 MiB\n"));
  REQUIRE(table.OutHas("catalog    stream: no group\n"));
  REQUIRE_FALSE(table.OutHas("k2499"));
  REQUIRE(RunCtl(node, {"backup", "show", "2025-11-20", "-o", "wide"}).OutHas("k2499"));
  const Outcome json = RunCtl(node, {"backup", "show", "2025-11-20", "-o", "json"});
  REQUIRE(json.OutHas("\"key\":\"k2499\""));
  REQUIRE(json.OutHas("\"taken_at\":\"2025-11-20T12:00:00.000000000Z\""));
  REQUIRE(RunCtl(node, {"backup", "show", "2025-11-20", "-o", "yaml"})
              .OutHas("    timedir: \"2025-11-20\"\n"));
  REQUIRE(RunCtl(node, {"backup", "show", "2025-11-21"}).code == 6);
}

TEST_CASE("backup verify is 4 and names what is damaged", "[ctl][backup]") {
  FakeNode node;
  SetListing(node, {Committed("2025-11-20")});
  node.backups.verdict = Verified(Committed("2025-11-20"), VerifyLevel::kFull);
  const Outcome good = RunCtl(node, {"backup", "verify", "2025-11-20"});
  REQUIRE(good.code == 0);
  REQUIRE(good.OutHas("local-disk/2025-11-20: full: 3 objects, 2.9 KiB read: nothing is missing"));
  REQUIRE(RunCtl(node, {"backup", "verify", "2025-11-20", "--sample", "5%"})
              .OutHas("only --full makes it a verified backup"));
  REQUIRE(RunCtl(node, {"backup", "verify", "2025-11-20", "--quick"}).OutHas(": quick: "));
  node.backups.verdict.damaged = {{"a/b", "missing"}, {"a/c", "has 17 bytes, not 18"}};
  const Outcome bad = RunCtl(node, {"backup", "verify", "2025-11-20"});
  REQUIRE(bad.code == 4);
  REQUIRE(bad.OutHas("  a/c: has 17 bytes, not 18\n"));
  REQUIRE(RunCtl(node, {"backup", "verify", "2025-11-20", "-o", "json"})
              .OutHas("\"damaged\":[{\"key\":\"a/b\",\"reason\":\"missing\"},"));
}

TEST_CASE("an interrupted verification is 130 and stops in the node", "[ctl][backup]") {
  FakeNode node;
  node.backups.verify_waits = true;
  std::stop_source stop;
  std::thread interrupter([&] {
    node.backups.Await([](const FakeBackups& backups) { return backups.verifying == 1; });
    stop.request_stop();
  });
  const Outcome outcome =
      RunCtl(node, {"backup", "verify", "2025-11-20"}, {false, stop.get_token()});
  interrupter.join();
  REQUIRE(outcome.code == 130);
  node.backups.Await([](const FakeBackups& backups) { return backups.verifications_ended == 1; });
}

TEST_CASE("backup prune asks for --yes before it removes", "[ctl][backup]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"backup", "prune"}).code == 0);  // nothing would go
  node.backups.pruned.decisions = {{"2025-11-19", false, "no rule keeps it"},
                                   {"2025-11-20", true, "newest of the day"}};
  node.backups.pruned.expired = {"2025-11-19"};
  node.backups.pruned.expired_objects = 3;
  const Outcome asked = RunCtl(node, {"backup", "prune"});
  REQUIRE(asked.code == 9);
  REQUIRE(asked.OutHas("local-disk/2025-11-19: removed: no rule keeps it\n"));
  REQUIRE(asked.OutHas("would expire: 1 backups (3 objects"));
  REQUIRE(RunCtl(node, {"backup", "prune", "--dry-run"}).code == 0);
  REQUIRE(RunCtl(node, {"backup", "prune", "--dry-run", "--yes"}).code == 0);
  REQUIRE(node.backups.prunes().empty());
  REQUIRE(RunCtl(node, {"backup", "prune", "--yes"}).code == 0);
  REQUIRE(RunCtl(node, {"backup", "prune", "--yes", "--keep", "daily=2"}).code == 0);
  REQUIRE(node.backups.prunes().size() == 2);
  REQUIRE(node.backups.prunes()[1].second == KeepRule{0, 2, 0, 0, 0});
  node.backups.pruned.problems = {"_meta/hold/x cannot be read"};
  REQUIRE(RunCtl(node, {"backup", "prune", "--yes"}).code == 3);
  node.setup.jobs.clear();
  const Outcome refused = RunCtl(node, {"backup", "prune", "--yes"});
  REQUIRE(refused.code == 9);
  REQUIRE(refused.ErrHas("--keep daily=7,min=3"));
  node.backups.refuse = Error{ErrorCode::kFailedPrecondition, "the clock has stepped"};
  const Outcome clock = RunCtl(node, {"backup", "prune", "--yes", "--keep", "min=1"});
  REQUIRE(clock.code == 9);
  REQUIRE(clock.err == "ficusctl: prune: the clock has stepped\n");
  node.backups.refuse = Error{ErrorCode::kAlreadyExists, "in use by run x of node y"};
  REQUIRE(RunCtl(node, {"backup", "prune", "--keep", "min=1"}).code == 5);
  node.backups.refuse = Error{ErrorCode::kUnavailable, "the lease is taken"};
  node.backups.Put(Endless("a"));
  REQUIRE(RunCtl(node, {"backup", "prune", "--keep", "min=1"}).code == 5);
}

TEST_CASE("backup status says what you can restore to", "[ctl][backup]") {
  FakeNode node;
  BackupEntry old = Committed("2025-11-19");
  old.commit->taken_at = kNoon - kNanosPerDay;
  old.verification = Verified(old, VerifyLevel::kFull);
  SetListing(node, {old, Committed("2025-11-20")});
  node.backups.Put(Endless("a"));
  const Outcome outcome = RunCtl(node, {"backup", "status"});
  REQUIRE(outcome.code == 0);
  REQUIRE(outcome.OutHas("nightly (run a): upload  0.0 %  0 B of 1000 B\n"));
  REQUIRE(
      outcome.OutHas("local-disk: you can restore to 2025-11-19T12:00:00Z (2025-11-19, "
                     "verified), 2025-11-20T12:00:00Z (2025-11-20, committed)\n"));
  SetListing(node, {});
  REQUIRE(RunCtl(node, {"backup", "status"}).OutHas("local-disk: there is nothing to restore to"));
  node.backups.listings.insert_or_assign("local-disk", Error{ErrorCode::kUnavailable, "away"});
  REQUIRE(RunCtl(node, {"backup", "status"}).code == 3);
}

TEST_CASE("a watched status ends when it is interrupted", "[ctl][backup]") {
  FakeNode node;
  std::stop_source stop;
  std::thread interrupter([&] {
    node.backups.Await([](const FakeBackups& backups) { return backups.statuses > 0; });
    stop.request_stop();
  });
  const Outcome outcome = RunCtl(node, {"backup", "status", "--watch"}, {false, stop.get_token()});
  interrupter.join();
  REQUIRE(outcome.code == 130);
}

TEST_CASE("backup cancel is 0 only when the run was stopped", "[ctl][backup]") {
  FakeNode node;
  node.backups.Put(Endless("a"));
  REQUIRE(RunCtl(node, {"backup", "cancel", "a"}).code == 0);
  RunStatus done = Endless("b");
  done.phase = RunPhase::kDone;
  node.backups.Put(done);
  const Outcome late = RunCtl(node, {"backup", "cancel", "b"});
  REQUIRE(late.code == 1);
  REQUIRE(late.ErrHas("had ended before"));
  REQUIRE(RunCtl(node, {"backup", "cancel", "c"}).code == 6);
}

TEST_CASE("a call that takes too long is 7", "[ctl][backup]") {
  FakeNode node;
  node.upkeep.answers = false;
  const Outcome outcome = RunCtl(node, {"table", "flush", "--timeout", "50ms"});
  REQUIRE(outcome.code == 7);
  REQUIRE(outcome.ErrHas("did not answer in time"));
}

}  // namespace
}  // namespace ficus
