// The same random operations on every implementation must give the same results, errors and
// contents: the model in memory is then no kinder than the disk.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/io/disk_file_system.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/io/thread_file_system.h"
#include "engine/io/uring_file_system.h"
#include "test/support/seed.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// One file system and the files that the script holds open on it, by slot.
struct Side {
  std::string name;
  FileSystem* fs = nullptr;
  std::map<size_t, std::unique_ptr<File>> files = {};
};

std::string TextOf(const Result<>& result) {
  return result ? "ok"
                : std::string(ErrorCodeName(result.error().code)) + ": " + result.error().message;
}

template <typename T, typename Print>
std::string TextOf(const Result<T>& result, Print print) {
  return result ? "ok " + print(*result) : TextOf(Result<>(result.error()));
}

// A step of the script: run on each side, it answers with a text that must be the same on all.
using Step = std::function<std::string(Side&)>;

class Script {
 public:
  explicit Script(uint64_t seed) : random_(seed) {}

  Step Next() {
    switch (random_.Below(20)) {
      case 0:
      case 1:
      case 2:
        return Open();
      case 3:
      case 4:
        return Write();
      case 5:
        return WriteBatched();
      case 6:
        return Read();
      case 7:
        return ReadBatched();
      case 8:
        return Truncate();
      case 9:
        return Allocate();
      case 10:
        return Sync();
      case 11:
        return Rename();
      case 12:
        return Link();
      case 13:
        return Remove();
      case 14:
        return CreateDirectory();
      case 15:
        return RemoveDirectory();
      case 16:
        return SyncDirectory();
      case 17:
        return List();
      case 18:
        return Status();
      default:
        return Close();
    }
  }

 private:
  static constexpr size_t kSlots = 4;

  // Few names, so that operations meet: directories within directories, files beside them.
  std::string Path() {
    static const std::vector<std::string> names{"a", "b", "d"};
    std::string path = names[random_.Below(3)];
    while (random_.Below(3) == 0 && path.size() < 9) path = JoinPath(path, names[random_.Below(3)]);
    return random_.Below(60) == 0 ? path + "/.." : path;
  }
  std::string Directory() { return random_.Below(4) == 0 ? "" : Path(); }
  uint64_t Offset() { return random_.Below(3) == 0 ? random_.Below(20'000) : random_.Below(600); }
  std::string Bytes() {
    return std::string(random_.Below(2) == 0 ? random_.Below(10) : random_.Below(9'000),
                       static_cast<char>('a' + random_.Below(26)));
  }
  size_t Slot() { return random_.Below(kSlots); }

  static Step OnFile(size_t slot, std::function<std::string(File&)> use) {
    return [slot, use = std::move(use)](Side& side) {
      const auto file = side.files.find(slot);
      return file == side.files.end() ? "no file" : use(*file->second);
    };
  }

  Step Open() {
    const auto mode = static_cast<OpenMode>(random_.Below(3));
    return [path = Path(), slot = Slot(), mode](Side& side) {
      auto file = side.fs->Open(path, {.mode = mode});
      if (file) side.files[slot] = *std::move(file);
      return "open " + path + " " + TextOf(file ? Ok() : Result<>(file.error()));
    };
  }
  Step Write() {
    return OnFile(Slot(), [at = Offset(), bytes = Bytes()](File& file) {
      return TextOf(file.WriteAt(at, bytes));
    });
  }
  Step WriteBatched() {
    struct Part {
      size_t slot;
      uint64_t at;
      std::string bytes;
    };
    std::vector<Part> parts;
    // Parts of one batch do not overlap: their order is open.
    for (uint64_t at = random_.Below(2'000); parts.size() < 5; at += parts.back().bytes.size()) {
      parts.push_back({Slot(), at, Bytes()});
    }
    return [parts, sync = random_.Below(2) == 0](Side& side) {
      WriteBatch batch;
      for (const Part& part : parts) {
        const auto file = side.files.find(part.slot);
        if (file != side.files.end()) batch.Write(*file->second, part.at, part.bytes);
      }
      for (const auto& [slot, file] : side.files) {
        if (sync) batch.Sync(*file, SyncKind::kData);
      }
      std::string text = TextOf(side.fs->Write(batch));
      for (const auto& op : batch.ops()) text += "; " + TextOf(op.result);
      for (const auto& op : batch.syncs()) text += "; " + TextOf(op.result);
      return text;
    };
  }
  Step Read() {
    return OnFile(Slot(), [at = Offset(), size = random_.Below(3'000)](File& file) {
      std::string out(size, '?');
      const std::string text = TextOf(file.ReadAt(at, out));
      return text == "ok" ? text + out : text;
    });
  }
  Step ReadBatched() {
    std::vector<std::pair<uint64_t, size_t>> ranges;
    for (int i = 0; i < 6; ++i) ranges.emplace_back(Offset(), random_.Below(500));
    return OnFileAndSystem(Slot(), [ranges](FileSystem& fs, File& file) {
      std::vector<std::string> outs;
      for (const auto& range : ranges) outs.emplace_back(range.second, '?');
      ReadBatch batch;
      for (size_t i = 0; i < outs.size(); ++i) batch.Add(file, ranges[i].first, outs[i]);
      std::string text = TextOf(fs.Read(batch));
      for (size_t i = 0; i < outs.size(); ++i) {
        text += "; " + TextOf(batch.ops()[i].result);
        if (batch.ops()[i].result) text += outs[i];
      }
      return text;
    });
  }
  static Step OnFileAndSystem(size_t slot, std::function<std::string(FileSystem&, File&)> use) {
    return [slot, use = std::move(use)](Side& side) {
      const auto file = side.files.find(slot);
      return file == side.files.end() ? "no file" : use(*side.fs, *file->second);
    };
  }
  Step Truncate() {
    return OnFile(Slot(), [size = Offset()](File& file) {
      return TextOf(file.Truncate(size)) +
             TextOf(file.Size(), [](uint64_t bytes) { return std::to_string(bytes); });
    });
  }
  Step Allocate() {
    return OnFile(Slot(), [at = Offset(), size = Offset()](File& file) {
      return TextOf(file.Allocate(at, size)) +
             TextOf(file.Size(), [](uint64_t bytes) { return std::to_string(bytes); });
    });
  }
  Step Sync() {
    return OnFile(Slot(), [](File& file) { return TextOf(file.Sync(SyncKind::kAll)); });
  }
  Step Rename() {
    return [from = Path(), to = Path()](Side& side) {
      return TextOf(side.fs->Rename(from, to, FileClass::kTool));
    };
  }
  Step Link() {
    return [from = Path(), to = Path()](Side& side) { return TextOf(side.fs->Link(from, to)); };
  }
  Step Remove() {
    return [path = Path()](Side& side) { return TextOf(side.fs->Remove(path)); };
  }
  Step CreateDirectory() {
    return [path = Path()](Side& side) { return TextOf(side.fs->CreateDirectory(path)); };
  }
  Step RemoveDirectory() {
    return [path = Path()](Side& side) { return TextOf(side.fs->RemoveDirectory(path)); };
  }
  Step SyncDirectory() {
    return [path = Directory()](Side& side) {
      return TextOf(side.fs->SyncDirectory(path, FileClass::kTool));
    };
  }
  Step List() {
    return [path = Directory()](Side& side) {
      return TextOf(side.fs->List(path), [](const std::vector<DirectoryEntry>& entries) {
        std::string names;
        for (const DirectoryEntry& entry : entries) {
          names += entry.name + (entry.is_directory ? "/ " : " ");
        }
        return names;
      });
    };
  }
  Step Status() {
    return [path = Directory()](Side& side) {
      return TextOf(side.fs->Status(path), [](const FileStatus& status) {
        return std::to_string(status.is_directory) + " " + std::to_string(status.size_bytes) + " " +
               std::to_string(status.link_count);
      });
    };
  }
  Step Close() {
    return [slot = Slot()](Side& side) {
      side.files.erase(slot);
      return "closed";
    };
  }

  SeededRandom random_;
};

// Every name, and the contents of every file.
std::string Tree(FileSystem& fs, const std::string& path) {
  std::string text;
  const auto entries = fs.List(path);
  REQUIRE(entries.has_value());
  for (const DirectoryEntry& entry : *entries) {
    const std::string child = JoinPath(path, entry.name);
    if (entry.is_directory) {
      text += child + "/\n" + Tree(fs, child);
      continue;
    }
    const auto contents = ReadWholeFile(fs, child, 1 << 20, FileClass::kTool);
    REQUIRE(contents.has_value());
    text += child + " " + *contents + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("all file systems answer the same questions the same way", "[io]") {
  const uint64_t first_seed = TestSeed(1);
  const int rounds = TestRounds(10);
  for (uint64_t seed = first_seed; seed < first_seed + static_cast<uint64_t>(rounds); ++seed) {
    CAPTURE(seed);
    const TempDirectory uring_root;
    const TempDirectory thread_root;
    const TempDirectory component_root;
    const auto memory = MemoryFileSystem::Create();
    const auto wrapped = MemoryFileSystem::Create();
    const auto faulty = FaultyFileSystem::Create(*wrapped);
    const auto threads = *OpenThreadFileSystem(thread_root.path(), {});
    const auto components = *OpenThreadFileSystem(
        component_root.path(), {.resolution = RootedDirectory::Resolution::kComponents});
    std::unique_ptr<FileSystem> uring;
    std::vector<Side> sides;
    sides.push_back({"memory", memory.get()});
    sides.push_back({"faulty", faulty.get()});
    sides.push_back({"threads", threads.get()});
    sides.push_back({"components", components.get()});
    if (UringRefusal().empty()) {
      uring = *OpenUringFileSystem(uring_root.path(), {.queue_depth = 4});
      sides.push_back({"io_uring", uring.get()});
    }
    Script script(seed);
    for (int number = 0; number < 300; ++number) {
      const Step step = script.Next();
      const std::string expected = step(sides.front());
      for (size_t i = 1; i < sides.size(); ++i) {
        const std::string found = step(sides[i]);
        if (found == expected) continue;
        CAPTURE(number, sides[i].name);
        REQUIRE(found == expected);
      }
    }
    const std::string tree = Tree(*memory, "");
    for (Side& side : sides) {
      CAPTURE(side.name);
      REQUIRE(Tree(*side.fs, "") == tree);
    }
  }
}

}  // namespace ficus
