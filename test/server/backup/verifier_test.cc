#include "server/backup/verifier.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "server/backup/layout.h"
#include "server/backup/repository.h"
#include "server/backup/repository_keys.h"
#include "server/remote/memory_store.h"
#include "server/remote/store_decorator.h"
#include "test/server/backup/sample_backup.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

const ManualClock kClock(1'795'132'800'000'000'000);

VerifyRequest At(VerifyLevel level) {
  VerifyRequest request;
  request.level = level;
  request.sample_percent = 30;
  return request;
}

VerificationRecord Verify(ObjectStore& store, const CommitRecord& commit, VerifyLevel level) {
  return ficus::Verify(store, commit, At(level), kClock, {}).value();
}

std::vector<std::string> Keys(const std::vector<DamagedObject>& damaged) {
  std::vector<std::string> keys;
  for (const DamagedObject& each : damaged) keys.push_back(each.key);
  return keys;
}

// The objects of the backup, without its records.
std::vector<std::string> ObjectKeys(ObjectStore& store) {
  std::vector<std::string> keys = AllKeys(store);
  keys.erase(std::remove_if(keys.begin(), keys.end(),
                            [](const std::string& key) { return key.rfind("_meta/", 0) == 0; }),
             keys.end());
  return keys;
}

bool Names(const VerificationRecord& record, const std::string& key) {
  for (const DamagedObject& each : record.damaged) {
    if (each.key == key) return true;
  }
  return std::any_of(record.notes.begin(), record.notes.end(),
                     [&](const std::string& note) { return note.find(key) != std::string::npos; });
}

TEST_CASE("an intact backup is found intact at every level", "[backup]") {
  MemoryStore store;
  const CommitRecord commit = WriteBackup(store, {});
  for (const VerifyLevel level : {VerifyLevel::kQuick, VerifyLevel::kSample, VerifyLevel::kFull}) {
    const VerificationRecord record = Verify(store, commit, level);
    REQUIRE(record.damaged.empty());
    REQUIRE(record.notes.empty());
    REQUIRE(record.level == level);
    REQUIRE(record.verified_at == kClock.Now());
    REQUIRE(CountsAsVerified(commit, record) == (level == VerifyLevel::kFull));
  }
  const VerificationRecord full = Verify(store, commit, VerifyLevel::kFull);
  REQUIRE(full.objects_read == commit.object_count);
  REQUIRE(full.bytes_read == commit.object_bytes);
}

TEST_CASE("one flipped bit in any object or record, first, middle or last byte, is named",
          "[backup]") {
  MemoryStore intact;
  SampleBackup sample;
  sample.objects = 40;
  const CommitRecord commit = WriteBackup(intact, sample);
  RecordVerification(intact, Verify(intact, commit, VerifyLevel::kFull), {}).value();
  const std::vector<std::string> keys = AllKeys(intact);
  REQUIRE(keys.size() == 43);
  for (const std::string& key : keys) {
    const size_t size = Text(intact, key).size();
    for (const size_t offset : {size_t{0}, size / 2, size - 1}) {
      for (const int bit : {0, 7}) {
        INFO(key << " byte " << offset << " bit " << bit);
        const auto store = intact.Clone();
        store->FlipBits(key, offset, static_cast<uint8_t>(1 << bit)).value();
        const VerificationRecord record = Verify(*store, commit, VerifyLevel::kFull);
        REQUIRE(Names(record, key));
        REQUIRE(record.damaged.size() + record.notes.size() == 1);
      }
    }
  }
}

TEST_CASE("every damaged object is named when all are damaged", "[backup]") {
  MemoryStore store;
  SampleBackup sample;
  sample.objects = 40;
  const CommitRecord commit = WriteBackup(store, sample);
  for (const std::string& key : ObjectKeys(store)) store.FlipBits(key, 3, 4).value();
  const VerificationRecord record = Verify(store, commit, VerifyLevel::kFull);
  REQUIRE(Keys(record.damaged) == ObjectKeys(store));
  REQUIRE_FALSE(CountsAsVerified(commit, record));
}

TEST_CASE("a listing alone finds what is missing or has another length", "[backup]") {
  MemoryStore store;
  SampleBackup sample;
  sample.objects = 1500;
  const CommitRecord commit = WriteBackup(store, sample);
  const std::vector<std::string> keys = ObjectKeys(store);
  std::vector<std::string> damaged;
  for (size_t i = 0; i < keys.size(); i += 7) {
    damaged.push_back(keys[i]);
    if (i % 2 == 0) {
      store.Truncate(keys[i], Text(store, keys[i]).size() - 1).value();
    } else {
      store.Delete(std::vector<std::string>{keys[i]}, {}).value();
    }
  }
  store.ResetCounts();
  const VerificationRecord record = Verify(store, commit, VerifyLevel::kQuick);
  REQUIRE(Keys(record.damaged) == damaged);
  REQUIRE(record.objects_read == 0);
  REQUIRE(store.requests(StoreOp::kList) == 2);
  REQUIRE(store.requests() == 5);  // commit, manifest, an older verdict
}

TEST_CASE("objects of equal size that have changed places are found by reading them", "[backup]") {
  MemoryStore intact;
  const CommitRecord commit = WriteBackup(intact, {});
  const std::vector<std::string> keys = ObjectKeys(intact);
  size_t swaps = 0;
  for (size_t a = 0; a < keys.size(); ++a) {
    for (size_t b = a + 1; b < keys.size(); ++b) {
      if (Text(intact, keys[a]).size() != Text(intact, keys[b]).size()) continue;
      const auto store = intact.Clone();
      store->Swap(keys[a], keys[b]).value();
      REQUIRE(Verify(*store, commit, VerifyLevel::kQuick).damaged.empty());
      REQUIRE(Keys(Verify(*store, commit, VerifyLevel::kFull).damaged) ==
              std::vector<std::string>{keys[a], keys[b]});
      ++swaps;
    }
  }
  REQUIRE(swaps == 6);
}

TEST_CASE("objects that the manifest does not name are reported, not damage", "[backup]") {
  MemoryStore store;
  const CommitRecord commit = WriteBackup(store, {});
  PutText(store, "2026-11-20/measure/stranger", "x");
  PutText(store, "2026-11-201/measure/other", "x");
  const VerificationRecord record = Verify(store, commit, VerifyLevel::kQuick);
  REQUIRE(record.damaged.empty());
  REQUIRE(record.notes == std::vector<std::string>{"1 objects that the manifest does not name: "
                                                   "2026-11-20/measure/stranger"});
}

TEST_CASE("a missing commit record or manifest is damage", "[backup]") {
  for (const bool is_commit : {true, false}) {
    MemoryStore store;
    const CommitRecord commit = WriteBackup(store, {});
    const std::string key = is_commit ? CommitKey("2026-11-20", 1) : commit.manifest_key;
    store.Delete(std::vector<std::string>{key}, {}).value();
    const VerificationRecord record = Verify(store, commit, VerifyLevel::kQuick);
    REQUIRE(Keys(record.damaged) == std::vector<std::string>{key});
    REQUIRE(record.damaged[0].reason == "missing");
  }
}

TEST_CASE("a sample reads the asked share of the bytes, another one with another seed",
          "[backup]") {
  MemoryStore store;
  SampleBackup sample;
  sample.objects = 300;
  const CommitRecord commit = WriteBackup(store, sample);
  VerifyRequest request = At(VerifyLevel::kSample);
  const VerificationRecord record = Verify(store, commit, VerifyLevel::kSample);
  const double share =
      static_cast<double>(record.bytes_read) / static_cast<double>(commit.object_bytes);
  REQUIRE(share >= 0.30);
  REQUIRE(share < 0.31);

  const std::string damaged = ObjectKeys(store)[150];
  store.FlipBits(damaged, 0, 1).value();
  size_t found = 0;
  for (request.seed = 0; request.seed < 200; ++request.seed) {
    const auto each = ficus::Verify(store, commit, request, kClock, {}).value();
    const auto again = ficus::Verify(store, commit, request, kClock, {}).value();
    REQUIRE(each == again);
    found += each.damaged.size();
  }
  REQUIRE(found > 30);
  REQUIRE(found < 90);

  request.sample_percent = 100;
  REQUIRE(ficus::Verify(store, commit, request, kClock, {})->objects_read == 300);
  request.sample_percent = 0;
  REQUIRE(ficus::Verify(store, commit, request, kClock, {})->objects_read == 0);
}

TEST_CASE("progress rises to everything and reads are bounded", "[backup]") {
  // A store that counts the reads that are under way.
  class CountingStore final : public StoreDecorator {
   public:
    explicit CountingStore(ObjectStore& store) : StoreDecorator(store) {}
    Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                           std::stop_token stop) override {
      const int now = ++reading_;
      int most = most_.load();
      while (most < now && !most_.compare_exchange_weak(most, now)) {
      }
      auto got = inner().Get(key, range, sink, std::move(stop));
      --reading_;
      return got;
    }
    int most() const { return most_.load(); }

   private:
    std::atomic<int> reading_{0};
    std::atomic<int> most_{0};
  };

  MemoryStore memory;
  SampleBackup sample;
  sample.objects = 200;
  const CommitRecord commit = WriteBackup(memory, sample);
  CountingStore store(memory);
  VerifyProgress last;
  const auto record = ficus::Verify(store, commit, At(VerifyLevel::kFull), kClock, {},
                                    [&](const VerifyProgress& progress) {
                                      REQUIRE(progress.objects_done == last.objects_done + 1);
                                      REQUIRE(progress.bytes_done >= last.bytes_done);
                                      last = progress;
                                    })
                          .value();
  REQUIRE(last.objects_done == 200);
  REQUIRE(last.objects_total == 200);
  REQUIRE(last.bytes_done == commit.object_bytes);
  REQUIRE(record.objects_read == 200);
  REQUIRE(store.most() <= 4);
}

TEST_CASE("a backup that is replaced while it is verified is not called damaged", "[backup]") {
  MemoryStore store;
  const CommitRecord commit = WriteBackup(store, {});
  const std::unique_ptr<Layout> layout = MakeTimedirLayout();
  const auto verify = [&](const std::string& removed_meanwhile) {
    bool begun = false;
    return layout->Verify(store, commit, At(VerifyLevel::kFull), kClock, {},
                          [&](const VerifyProgress&) {
                            if (std::exchange(begun, true)) return;
                            const std::vector<std::string> objects = ObjectKeys(store);
                            REQUIRE(store.Delete({&objects.back(), 1}, {}).has_value());
                            if (removed_meanwhile.empty()) return;
                            REQUIRE(store.Delete({&removed_meanwhile, 1}, {}).has_value());
                          });
  };
  const auto damaged = verify({});
  REQUIRE(damaged.has_value());
  REQUIRE(damaged->damaged.size() == 1);
  const auto replaced = verify(CommitKey(commit.timedir, commit.generation));
  REQUIRE(replaced.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a stopped verification is no verdict", "[backup]") {
  MemoryStore store;
  const CommitRecord commit = WriteBackup(store, {});
  std::stop_source stop;
  const auto record = ficus::Verify(store, commit, At(VerifyLevel::kFull), kClock, stop.get_token(),
                                    [&](const VerifyProgress& progress) {
                                      if (progress.objects_done == 2) stop.request_stop();
                                    });
  REQUIRE(record.error().code == ErrorCode::kCancelled);
  VerifyRequest request;
  request.concurrency = 0;
  REQUIRE(ficus::Verify(store, commit, request, kClock, {}).error().code ==
          ErrorCode::kInvalidArgument);
  request.concurrency = 1;
  request.sample_percent = 101;
  REQUIRE(ficus::Verify(store, commit, request, kClock, {}).error().code ==
          ErrorCode::kInvalidArgument);
}

TEST_CASE("a lesser verdict does not hide a weightier one", "[backup]") {
  MemoryStore store;
  const CommitRecord commit = WriteBackup(store, {});
  const auto verdict = [&] { return *Repository(store).Find("2026-11-20", {})->verification; };
  const auto record = [&](VerifyLevel level) {
    return RecordVerification(store, Verify(store, commit, level), {}).value();
  };
  REQUIRE(record(VerifyLevel::kQuick));
  REQUIRE(record(VerifyLevel::kFull));
  REQUIRE_FALSE(record(VerifyLevel::kQuick));
  REQUIRE_FALSE(record(VerifyLevel::kSample));
  REQUIRE(verdict().level == VerifyLevel::kFull);

  const std::string key = ObjectKeys(store)[0];
  store.FlipBits(key, 0, 1).value();
  REQUIRE(record(VerifyLevel::kFull));
  REQUIRE_FALSE(record(VerifyLevel::kQuick));  // sees nothing wrong
  REQUIRE(Keys(verdict().damaged) == std::vector<std::string>{key});
  REQUIRE(Repository(store).Find("2026-11-20", {})->state == BackupState::kDamaged);

  store.FlipBits(key, 0, 1).value();
  REQUIRE(record(VerifyLevel::kFull));
  REQUIRE(Repository(store).Find("2026-11-20", {})->verified());

  const std::string content = Text(store, key);
  store.Delete(std::vector<std::string>{key}, {}).value();
  REQUIRE(record(VerifyLevel::kQuick));
  REQUIRE(Repository(store).Find("2026-11-20", {})->state == BackupState::kDamaged);
  PutText(store, key, content);
  REQUIRE_FALSE(record(VerifyLevel::kQuick));
  REQUIRE_FALSE(record(VerifyLevel::kSample));
  REQUIRE(record(VerifyLevel::kFull));
}

// The status says what went wrong.
TEST_CASE("a verification that gets no threads reads everything itself", "[backup]") {
  const int status = RunWithoutThreads([] {
    const LogCapture log;
    MemoryStore store;
    const CommitRecord commit = WriteBackup(store, {});
    const VerificationRecord record = Verify(store, commit, VerifyLevel::kFull);
    if (record.objects_read != commit.object_count) return 1;
    return log.Count("runtime.no_thread") == 1 ? 0 : 2;
  });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

}  // namespace
}  // namespace ficus
