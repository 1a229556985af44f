#include "server/remote/file_store.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>

#include <unistd.h>

#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "server/remote/memory_store.h"
#include "test/server/remote/object_store_conformance.h"
#include "test/server/remote/store_verbs.h"
#include "test/support/seed.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::unique_ptr<ObjectStore> OpenOnDisk(const std::string& folder) {
  auto store = OpenFileStore(folder, {});
  INFO((store.has_value() ? "" : store.error().ToString()));
  REQUIRE(store.has_value());
  return *std::move(store);
}

std::unique_ptr<ObjectStore> MakeOver(FileSystem& fs, RandomSource& random) {
  return MakeFileStore(fs, StampsByInode(fs), random, "file:///memory");
}

// Everything below `folder` but the scratch folder, relative to it.
std::vector<std::string> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  auto walk = std::filesystem::recursive_directory_iterator(folder);
  for (auto entry = begin(walk); entry != end(walk); ++entry) {
    const std::string path = entry->path().lexically_relative(folder).string();
    if (path == kScratchFolder) {
      entry.disable_recursion_pending();
    } else {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

size_t TemporariesIn(const std::string& folder) {
  const std::string scratch = folder + "/" + std::string(kScratchFolder);
  size_t count = 0;
  if (!std::filesystem::exists(scratch)) return count;
  for (const auto& entry : std::filesystem::directory_iterator(scratch)) {
    if (entry.path().extension() == ".tmp") ++count;
  }
  return count;
}

void WriteFile(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a file store on disk keeps the contract", "[remote]") {
  for (const StoreCase& conformance : StoreCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const TempDirectory temp;
      const auto store = OpenOnDisk(temp.path());
      conformance.run(*store);
      REQUIRE(TemporariesIn(temp.path()) == 0);
    }
  }
}

TEST_CASE("a file store in memory keeps the contract", "[remote]") {
  for (const StoreCase& conformance : StoreCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const auto fs = MemoryFileSystem::Create();
      SeededRandom random(1);
      const auto store = MakeOver(*fs, random);
      conformance.run(*store);
    }
  }
}

// ----- the folder -----

TEST_CASE("objects are plain files, and folders go with their last object", "[remote]") {
  const TempDirectory temp;
  const auto store = OpenOnDisk(temp.path());
  Put(*store, "2026-11-20/measure/a", "1");
  Put(*store, "2026-11-20/measure/b/c", "2");
  REQUIRE(FilesBelow(temp.path()) ==
          std::vector<std::string>{"2026-11-20", "2026-11-20/measure", "2026-11-20/measure/a",
                                   "2026-11-20/measure/b", "2026-11-20/measure/b/c"});
  Delete(*store, {"2026-11-20/measure/b/c"});
  REQUIRE(FilesBelow(temp.path()) ==
          std::vector<std::string>{"2026-11-20", "2026-11-20/measure", "2026-11-20/measure/a"});
  Delete(*store, {"2026-11-20/measure/a"});
  REQUIRE(FilesBelow(temp.path()).empty());
}

TEST_CASE("a missing folder is created or refused, and reading writes nothing", "[remote]") {
  const TempDirectory temp;
  const std::string folder = temp.File("a/b/c");
  REQUIRE(CodeOf(OpenFileStore(folder, {.missing = MissingFolder::kRefuse})) ==
          ErrorCode::kNotFound);
  REQUIRE_FALSE(std::filesystem::exists(temp.File("a")));

  const auto store = OpenOnDisk(folder);
  REQUIRE(Keys(*store).empty());
  REQUIRE_FALSE(Head(*store, "k").has_value());
  REQUIRE(std::filesystem::is_empty(folder));
  REQUIRE(store->url() == "file://" + folder);
  Put(*store, "k", "x");
  REQUIRE(OpenFileStore(folder, {.missing = MissingFolder::kRefuse}).has_value());

  WriteFile(temp.File("file"), "x");
  REQUIRE_FALSE(OpenFileStore(temp.File("file"), {}).has_value());
  REQUIRE_FALSE(OpenFileStore(temp.File("file/below"), {}).has_value());
  REQUIRE(CodeOf(OpenFileStore("relative", {})) == ErrorCode::kInvalidArgument);
  REQUIRE(CodeOf(OpenFileStore("/", {})) == ErrorCode::kInvalidArgument);
  REQUIRE(CodeOf(OpenFileStore(temp.path() + "/../x", {})) == ErrorCode::kInvalidArgument);
}

TEST_CASE("no symbolic link in the folder leads a key out of it", "[remote]") {
  const TempDirectory temp;
  const TempDirectory outside;
  WriteFile(outside.File("secret"), "secret");
  std::filesystem::create_directory_symlink(outside.path(), temp.File("way"));
  std::filesystem::create_symlink(outside.File("secret"), temp.File("file"));
  std::filesystem::create_symlink("good", temp.File("inside"));
  const auto store = OpenOnDisk(temp.path());
  Put(*store, "good", "x");

  for (const char* key : {"way", "way/secret", "way/new/x", "file", "inside"}) {
    CAPTURE(key);
    REQUIRE_FALSE(Head(*store, key).has_value());
    REQUIRE_FALSE(Get(*store, key).has_value());
    REQUIRE(CodeOf(store->Copy(key, "stolen", {})) == ErrorCode::kNotFound);
    REQUIRE(CodeOf(store->Copy("good", key, {})) == ErrorCode::kInvalidArgument);
    for (const PutCondition& condition : {PutCondition{}, IfAbsent()}) {
      REQUIRE(CodeOf(store->Put(key, TextSource("evil"), condition, {})) ==
              ErrorCode::kInvalidArgument);
    }
    Delete(*store, {key});
    REQUIRE(Keys(*store, key).empty());
  }
  REQUIRE(Keys(*store) == std::vector<std::string>{"good"});
  REQUIRE(Get(*store, "good") == "x");
  REQUIRE(FilesBelow(outside.path()) == std::vector<std::string>{"secret"});
  REQUIRE(std::filesystem::file_size(outside.File("secret")) == 6);
  REQUIRE(std::filesystem::is_symlink(temp.File("file")));
}

TEST_CASE("files that are no objects are not listed", "[remote]") {
  const TempDirectory temp;
  const auto store = OpenOnDisk(temp.path());
  Put(*store, "a/1", "x");
  WriteFile(temp.File("a/line\nbreak"), "x");
  WriteFile(temp.File("a/\xff"), "x");
  std::filesystem::create_directories(temp.File("empty/below"));
  std::filesystem::create_directories(temp.File("dev\n/below"));
  REQUIRE(::mkfifo(temp.File("pipe").c_str(), 0600) == 0);
  REQUIRE(Keys(*store) == std::vector<std::string>{"a/1"});
  const auto page = store->List({.prefix = "", .start_after = "", .one_level = true}, {});
  REQUIRE(page.has_value());
  REQUIRE(page->prefixes == std::vector<std::string>{"a/"});
  REQUIRE(page->objects.empty());
  REQUIRE_FALSE(Get(*store, "pipe").has_value());
  // A folder in which no object lies is in nobody's way.
  Put(*store, "empty", "x");
  REQUIRE(Get(*store, "empty") == "x");
}

TEST_CASE("what a dead writer left is removed, what a living one writes is not", "[remote]") {
  const TempDirectory temp;
  const auto living = OpenOnDisk(temp.path());
  Put(*living, "a", "1");
  const std::string scratch = temp.File(std::string(kScratchFolder));
  WriteFile(scratch + "/00000000000000aa-1.tmp", "left");
  WriteFile(scratch + "/00000000000000aa.live", "");
  WriteFile(scratch + "/00000000000000bb-7.tmp", "left without a lock file");
  WriteFile(scratch + "/notes.txt", "not ours");

  // Held up in the middle of its put while another store opens.
  class WaitingSource final : public ObjectSource {
   public:
    explicit WaitingSource(std::function<void()> act) : act_(std::move(act)) {}
    uint64_t size_bytes() const override { return 3; }
    Result<> ReadAt(uint64_t, std::span<char> out) const override {
      act_();
      std::fill(out.begin(), out.end(), 'b');
      return Ok();
    }

   private:
    std::function<void()> act_;
  };
  const WaitingSource source([&] {
    REQUIRE(TemporariesIn(temp.path()) == 3);
    const auto other = OpenOnDisk(temp.path());
    Put(*other, "c", "3");
    REQUIRE(TemporariesIn(temp.path()) == 1);
  });
  REQUIRE(living->Put("b", source, {}, {}).has_value());
  REQUIRE(Get(*living, "b") == "bbb");
  REQUIRE(TemporariesIn(temp.path()) == 0);
  REQUIRE(std::filesystem::exists(scratch + "/notes.txt"));
  REQUIRE_FALSE(std::filesystem::exists(scratch + "/00000000000000aa.live"));
}

TEST_CASE("a killed writer's file is removed by the next one", "[remote]") {
  const TempDirectory temp;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    class DyingSource final : public ObjectSource {
     public:
      uint64_t size_bytes() const override { return 8 << 20; }
      Result<> ReadAt(uint64_t offset, std::span<char>) const override {
        if (offset > 0) ::raise(SIGKILL);
        return Ok();
      }
    };
    auto store = OpenFileStore(temp.path(), {});
    if (store.has_value()) (void)(*store)->Put("k", DyingSource(), {}, {});
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(TemporariesIn(temp.path()) == 1);
  const auto store = OpenOnDisk(temp.path());
  REQUIRE(Keys(*store).empty());
  Put(*store, "k", "x");
  REQUIRE(TemporariesIn(temp.path()) == 0);
}

TEST_CASE("processes that race with conditional puts lose no step", "[remote]") {
  constexpr int kProcesses = 4;
  constexpr int kSteps = 10;
  const TempDirectory temp;
  Put(*OpenOnDisk(temp.path()), "count", "0");
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child > 0) {
      children.push_back(child);
      continue;
    }
    auto store = OpenFileStore(temp.path(), {});
    for (int step = 0; store.has_value() && step < kSteps;) {
      const auto head = (*store)->Head("count", {});
      const auto text = GetText(**store, "count", 100, {});
      if (!head || !text) ::_exit(1);
      const std::string next = std::to_string(std::stoi(*text) + 1);
      const auto put = (*store)->Put("count", TextSource(next), IfMatch(head->etag), {});
      if (put.has_value()) {
        ++step;
      } else if (put.error().code != ErrorCode::kFailedPrecondition) {
        ::_exit(2);
      }
    }
    ::_exit(store.has_value() ? 0 : 3);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
  }
  REQUIRE(Get(*OpenOnDisk(temp.path()), "count") == std::to_string(kProcesses * kSteps));
}

// ----- full disks, failing disks, power cuts -----

TEST_CASE("on a full disk the old object stays and the put says so", "[remote]") {
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1 << 20});
  SeededRandom random(1);
  const auto store = MakeOver(*fs, random);
  Put(*store, "a/k", "old");
  const std::string large(2 << 20, 'x');
  for (const char* key : {"a/k", "new/k"}) {
    REQUIRE(CodeOf(store->Put(key, TextSource(large), {}, {})) == ErrorCode::kNoSpace);
  }
  REQUIRE(Get(*store, "a/k") == "old");
  REQUIRE(Keys(*store) == std::vector<std::string>{"a/k"});
  REQUIRE_FALSE(fs->Status("new").has_value());
  const auto space = fs->Space();
  REQUIRE(space->free_bytes > (1 << 20) - 1000);  // no temporary keeps any

  fs->SetLimits({.total_bytes = 4 << 20});
  Put(*store, "a/k", large);
  REQUIRE((Get(*store, "a/k") == large));
}

TEST_CASE("whatever operation of the disk fails, the object is the old or the new one",
          "[remote]") {
  struct Case {
    IoOp op;
    bool may_be_new;
  };
  for (const Case& c :
       {Case{IoOp::kOpen, false}, Case{IoOp::kWrite, false}, Case{IoOp::kSync, false},
        Case{IoOp::kAllocate, false}, Case{IoOp::kRename, false}, Case{IoOp::kLink, false},
        Case{IoOp::kSyncDirectory, true}, Case{IoOp::kLock, false}}) {
    for (const bool absent : {false, true}) {
      CAPTURE(IoOpName(c.op), absent);
      const auto memory = MemoryFileSystem::Create();
      const auto faulty = FaultyFileSystem::Create(*memory);
      SeededRandom random(1);
      const auto store = MakeOver(*faulty, random);
      Put(*store, "f/0", "x");
      const std::string key = absent ? "f/new" : "f/k";
      if (!absent) Put(*store, key, "old");
      faulty->AddRule({.op = c.op});
      const auto put = store->Put(key, TextSource("new"), absent ? IfAbsent() : PutCondition{}, {});
      faulty->ClearRules();
      if (!put.has_value()) REQUIRE(put.error().code == ErrorCode::kIo);
      const auto found = Get(*store, key);
      if (put.has_value() || c.may_be_new) {
        REQUIRE(found == "new");
      } else {
        REQUIRE(found == (absent ? std::optional<std::string>() : "old"));
      }
      if (!put.has_value() && absent && c.may_be_new) Delete(*store, {key});
      if (absent && !put.has_value()) Put(*store, key, "again", IfAbsent());
      // Nothing is left of the failed one.
      const auto entries = memory->List(kScratchFolder);
      for (const DirectoryEntry& entry : *entries) REQUIRE_FALSE(entry.name.ends_with(".tmp"));
    }
  }
}

TEST_CASE("a damaged medium is an error of the get, not a short object", "[remote]") {
  const auto memory = MemoryFileSystem::Create();
  const auto faulty = FaultyFileSystem::Create(*memory);
  SeededRandom random(1);
  const auto store = MakeOver(*faulty, random);
  Put(*store, "k", std::string(3 << 20, 'x'));
  faulty->AddRule({.op = IoOp::kRead, .path_contains = "k", .skip = 1});
  REQUIRE(CodeOf(GetText(*store, "k", 4 << 20, {})) == ErrorCode::kIo);
}

namespace {

// Objects that must be there, and the one that a call is changing.
struct Expected {
  std::map<std::string, std::string> objects;
  std::string changing;
  std::optional<std::string> becomes;
};

void RequireOldOrNew(FileSystem& fs, const Expected& expected) {
  SeededRandom random(99);
  const auto store = MakeOver(fs, random);
  std::set<std::string> listed;
  for (const std::string& key : Keys(*store)) listed.insert(key);
  for (const auto& [key, text] : expected.objects) {
    if (key == expected.changing) continue;
    CAPTURE(key);
    REQUIRE(Get(*store, key) == text);
    REQUIRE(listed.erase(key) == 1);
  }
  const std::string& key = expected.changing;
  if (!key.empty()) {
    const auto old = expected.objects.find(key);
    const auto found = Get(*store, key);
    const bool is_old = old == expected.objects.end() ? !found.has_value() : found == old->second;
    REQUIRE((is_old || found == expected.becomes));
    REQUIRE(listed.erase(key) == (found.has_value() ? 1 : 0));
    Put(*store, key, "after the power cut");
    REQUIRE(Get(*store, key) == "after the power cut");
  }
  REQUIRE(listed.empty());
  if (const auto entries = fs.List(kScratchFolder); entries.has_value() && !key.empty()) {
    for (const DirectoryEntry& entry : *entries) REQUIRE_FALSE(entry.name.ends_with(".tmp"));
  }
}

}  // namespace

TEST_CASE("a power cut at any moment leaves the old or the new object", "[remote][crash]") {
  using NameOrder = MemoryFileSystem::NameOrder;
  const uint64_t seed = TestSeed(7);
  CAPTURE(seed);
  SeededRandom dice(seed);
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  const auto store = MakeOver(*fs, random);
  Expected expected;
  int states = 0;
  const auto look = [&](uint64_t, std::string_view) {
    for (const NameOrder order : {NameOrder::kStrong, NameOrder::kWeak}) {
      for (int i = 0; i < 4; ++i) {
        RequireOldOrNew(*fs->Crash(dice, order), expected);
        ++states;
      }
    }
  };
  // Calls `act`, which makes `key` be `text`, with power cuts before each effect and after it.
  const auto play = [&](const std::string& key, std::optional<std::string> text,
                        const std::function<bool()>& act) {
    CAPTURE(key);
    expected.changing = key;
    expected.becomes = text;
    fs->SetObserver(look);
    const bool done = act();
    fs->SetObserver(nullptr);
    REQUIRE(done);
    if (text.has_value()) {
      expected.objects[key] = *text;
    } else {
      expected.objects.erase(key);
    }
    expected.changing.clear();
    look(0, "");
  };
  const auto put = [&](const std::string& key, const std::string& text, PutCondition condition) {
    play(key, text, [&] { return store->Put(key, TextSource(text), condition, {}).has_value(); });
  };
  const auto remove = [&](const std::string& key) {
    play(key, std::nullopt, [&] {
      const std::vector<std::string> keys{key};
      return store->Delete(keys, {}).has_value();
    });
  };
  const std::string large(10'000, 'l');
  put("a/b/1", "one", {});
  put("a/b/2", large, IfAbsent());
  put("a/b/1", large, {});
  put("a/b/1", "uno", IfMatch(Head(*store, "a/b/1")->etag));
  play("c/d/e", "uno", [&] { return store->Copy("a/b/1", "c/d/e", {}).has_value(); });
  remove("a/b/1");
  put("a/b/1", "again", IfAbsent());
  remove("c/d/e");
  put("c", "a key where a folder was", {});
  remove("a/b/2");
  remove("a/b/1");
  put("a/b/3", "x", {});
  REQUIRE(states > 500);
}

// ----- against the model -----

TEST_CASE("the file store does what the memory store does", "[remote]") {
  const uint64_t seed = TestSeed(11);
  CAPTURE(seed);
  SeededRandom dice(seed);
  const TempDirectory temp;
  const auto file = OpenOnDisk(temp.path());
  MemoryStore memory;
  // Folders, keys that are folders of others, and neighbours of '/' in the order of bytes.
  const std::vector<std::string> pool = {"a",   "a/b", "a/b/c", "a-b",     "a.b/c", "b/1",
                                         "b/2", "b-",  "b0",    "c/d/e/f", "c/d/g", "c/d"};
  const auto any_key = [&] { return pool[dice.Below(pool.size())]; };
  const auto code = [](const auto& result) {
    return result.has_value() ? std::string("ok") : std::string(ErrorCodeName(result.error().code));
  };
  const int rounds = TestRounds(300);
  for (int round = 0; round < rounds; ++round) {
    const std::string key = any_key();
    const uint64_t action = dice.Below(8);
    CAPTURE(round, action, key);
    if (action <= 2) {
      const std::string text(dice.Below(3000), static_cast<char>('a' + dice.Below(26)));
      PutCondition for_file;
      PutCondition for_memory;
      if (action == 1) for_file = for_memory = IfAbsent();
      if (action == 2) {
        const auto in_file = Head(*file, key);
        const auto in_memory = Head(memory, key);
        const bool right = dice.Below(2) == 0;
        for_file = IfMatch(right && in_file ? in_file->etag : "wrong");
        for_memory = IfMatch(right && in_memory ? in_memory->etag : "wrong");
      }
      REQUIRE(code(file->Put(key, TextSource(text), for_file, {})) ==
              code(memory.Put(key, TextSource(text), for_memory, {})));
    } else if (action == 3) {
      const std::string to = any_key();
      REQUIRE(code(file->Copy(key, to, {})) == code(memory.Copy(key, to, {})));
    } else if (action <= 5) {
      const std::vector<std::string> keys{key, any_key()};
      REQUIRE(code(file->Delete(keys, {})) == code(memory.Delete(keys, {})));
    } else if (action == 6) {
      REQUIRE(Get(*file, key) == Get(memory, key));
    } else {
      const ListRequest request{key.substr(0, dice.Below(key.size() + 1)),
                                dice.Below(2) == 0 ? "" : any_key(), dice.Below(2) == 0,
                                1 + dice.Below(4)};
      const auto of_file = file->List(request, {});
      const auto of_memory = memory.List(request, {});
      REQUIRE(of_file.has_value());
      REQUIRE(of_memory.has_value());
      REQUIRE(of_file->prefixes == of_memory->prefixes);
      REQUIRE(of_file->next == of_memory->next);
      REQUIRE(of_file->objects.size() == of_memory->objects.size());
      for (size_t i = 0; i < of_file->objects.size(); ++i) {
        REQUIRE(of_file->objects[i].key == of_memory->objects[i].key);
        REQUIRE(of_file->objects[i].size_bytes == of_memory->objects[i].size_bytes);
      }
    }
  }
  for (const auto& [key, text] : memory.Contents()) REQUIRE(Get(*file, key) == text);
  REQUIRE(Keys(*file) == Keys(memory));
}

}  // namespace ficus
