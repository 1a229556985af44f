// Checks the tree against ARCHITECTURE.md and the documents against the tree.
//
// Each check is a function from the files of a checkout to a list of offences, so that a small bad
// tree shows that it can fail. A check names every offence, not just the first.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

namespace {

using Tree = std::map<std::string, std::string>;  // path from the root of the checkout -> content
using Offences = std::vector<std::string>;
using Words = std::vector<std::string>;

// --- The tree
// -------------------------------------------------------------------------------------------------------

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool EndsWith(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string Folder(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsSource(std::string_view path) { return EndsWith(path, ".cc") || EndsWith(path, ".h"); }

bool IsProduct(std::string_view path) {
  return StartsWith(path, "engine/") || StartsWith(path, "server/") ||
         StartsWith(path, "config/") || StartsWith(path, "api/");
}

Words Lines(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Words Split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string At(const std::string& path, size_t line) {
  return path + ":" + std::to_string(line + 1) + ": ";
}

// Everything in the checkout but what git, builds and runs leave there. Inputs for fuzzing and
// expected bytes keep their name only.
Tree ReadTree() {
  static const std::set<std::string> kSkipped = {".git",   "build",       ".run",
                                                 ".cache", "__pycache__", "compile_commands.json"};
  Tree tree;
  auto walk = std::filesystem::recursive_directory_iterator(".");
  for (auto entry = begin(walk); entry != end(walk); ++entry) {
    if (kSkipped.count(entry->path().filename().string()) > 0) {
      entry.disable_recursion_pending();
      continue;
    }
    const std::string path = entry->path().lexically_relative(".").string();
    if (!entry->is_regular_file()) continue;
    std::string& content = tree[path];
    if (StartsWith(path, "test/fuzz/corpus/") || StartsWith(path, "test/golden/")) continue;
    std::ifstream stream(path, std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(stream), {});
  }
  return tree;
}

bool HasFolder(const Tree& tree, const std::string& folder) {
  const auto first = tree.lower_bound(folder + "/");
  return first != tree.end() && StartsWith(first->first, folder + "/");
}

// The line without its // comment and with its string literals emptied: what the compiler acts on.
std::string CodeOf(const std::string& line) {
  std::string code;
  bool in_string = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (in_string && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      in_string = !in_string;
      code += '"';
    } else if (!in_string && line.compare(i, 2, "//") == 0) {
      break;
    } else if (!in_string) {
      code += line[i];
    }
  }
  return code;
}

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Where `word` stands in `text` with no letter, digit or underscore right before it (and after it,
// when the word itself ends in one); npos when nowhere.
size_t FindWord(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || !IsWordCharacter(text[at - 1]);
    const bool ends =
        !IsWordCharacter(word.back()) || end == text.size() || !IsWordCharacter(text[end]);
    if (starts && ends) return at;
  }
  return std::string_view::npos;
}

// --- Rooms and includes
// ---------------------------------------------------------------------------------------------

struct Room {
  std::string path;
  std::set<std::string> may_include;
};

// The lines of the ```rooms block of ARCHITECTURE.md, in their order.
std::vector<Room> ParseRooms(const Tree& tree) {
  std::vector<Room> rooms;
  bool inside = false;
  const auto document = tree.find("ARCHITECTURE.md");
  if (document == tree.end()) return rooms;
  for (const std::string& line : Lines(document->second)) {
    if (line == "```rooms") {
      inside = true;
    } else if (StartsWith(line, "```")) {
      inside = false;
    } else if (inside) {
      Words words = Split(line);
      if (words.size() < 2 || words[1] != "->") continue;
      rooms.push_back({words[0], {words.begin() + 2, words.end()}});
    }
  }
  return rooms;
}

// The room a path lies in; empty when none.
std::string RoomOf(const std::vector<Room>& rooms, const std::string& path) {
  for (const Room& room : rooms) {
    if (StartsWith(path, room.path + "/")) return room.path;
  }
  return "";
}

struct Include {
  size_t line;
  bool quoted;
  std::string path;
};

std::vector<Include> IncludesOf(const std::string& content) {
  std::vector<Include> includes;
  const Words lines = Lines(content);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (!StartsWith(line, "#include ") || line.size() < 11) continue;
    const bool quoted = line[9] == '"';
    const size_t close = line.find(quoted ? '"' : '>', 10);
    if (close != std::string::npos) includes.push_back({i, quoted, line.substr(10, close - 10)});
  }
  return includes;
}

Offences RoomsAreOrdered(const Tree& tree) {
  Offences offences;
  std::set<std::string> above;
  for (const Room& room : ParseRooms(tree)) {
    for (const std::string& other : room.may_include) {
      if (above.count(other) == 0) {
        offences.push_back(room.path + " may include " + other +
                           ", which no line above it declares");
      }
    }
    if (!above.insert(room.path).second) offences.push_back(room.path + " is declared twice");
  }
  if (above.empty()) offences.push_back("ARCHITECTURE.md has no ```rooms block");
  return offences;
}

Offences IncludesObeyTheRooms(const Tree& tree) {
  Offences offences;
  const std::vector<Room> rooms = ParseRooms(tree);
  for (const auto& [path, content] : tree) {
    if (!IsProduct(path) || !IsSource(path)) continue;
    const std::string own = RoomOf(rooms, path);
    if (own.empty()) {
      offences.push_back(path + " lies in no room of ARCHITECTURE.md");
      continue;
    }
    const auto room = std::find_if(rooms.begin(), rooms.end(),
                                   [&](const Room& candidate) { return candidate.path == own; });
    for (const Include& include : IncludesOf(content)) {
      if (!include.quoted) continue;
      const bool generated = EndsWith(include.path, ".pb.h");
      const std::string other = generated ? "api" : RoomOf(rooms, include.path);
      if (!generated && tree.count(include.path) == 0) {
        offences.push_back(At(path, include.line) + "includes " + include.path +
                           ", which does not exist");
      } else if (other != own && room->may_include.count(other) == 0) {
        offences.push_back(At(path, include.line) + "includes " + include.path + ", but " + own +
                           " may not include " + other);
      }
    }
  }
  return offences;
}

// `name(<words>)` calls of a CMake file, each as its words.
std::vector<Words> CMakeCalls(const std::string& content, const std::string& name) {
  std::vector<Words> calls;
  for (const std::string& line : Lines(content)) {
    if (!StartsWith(line, name + "(")) continue;
    const size_t open = name.size() + 1;
    calls.push_back(Split(line.substr(open, line.rfind(')') - open)));
  }
  return calls;
}

std::string ReadOr(const Tree& tree, const std::string& path) {
  const auto file = tree.find(path);
  return file == tree.end() ? "" : file->second;
}

std::string Join(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Offences CMakeAgreesWithTheRooms(const Tree& tree) {
  Offences offences;
  std::map<std::string, std::set<std::string>> declared;
  for (const Words& call : CMakeCalls(ReadOr(tree, "CMakeLists.txt"), "room")) {
    std::set<std::string>& depends = declared[call[0]];
    bool in_depends = false;
    for (const std::string& word : call) {
      if (word == "DEPENDS" || word == "LINKS") {
        in_depends = word == "DEPENDS";
      } else if (in_depends) {
        depends.insert(word);
      } else if (StartsWith(word, "ficus::api_")) {
        depends.insert("api");
      }
    }
  }
  for (const Room& room : ParseRooms(tree)) {
    if (room.path == "api") continue;  // generated code; its own CMakeLists.txt builds it
    const auto found = declared.find(room.path);
    if (found == declared.end()) {
      offences.push_back("CMakeLists.txt declares no room " + room.path);
    } else if (found->second != room.may_include) {
      offences.push_back("CMakeLists.txt: " + room.path + " depends on {" + Join(found->second) +
                         "}, ARCHITECTURE.md says {" + Join(room.may_include) + "}");
    }
    declared.erase(room.path);
  }
  for (const auto& [path, depends] : declared) {
    offences.push_back("CMakeLists.txt: room " + path + " is missing in ARCHITECTURE.md");
  }
  return offences;
}

// A library may be included below its homes only. A home that ends in "*" is a prefix of paths, one
// that starts with "*" a suffix.
struct Library {
  std::string_view include;
  std::vector<std::string_view> homes;
};

const std::vector<Library>& Libraries() {
  static const std::vector<Library> libraries = {
      {"liburing", {"engine/io/*"}},
      {"linux/io_uring", {"engine/io/*"}},
      {"boost/asio", {"engine/runtime/*", "server/*"}},
      {"boost/beast", {"server/*"}},
      {"zstd", {"engine/encoding/*"}},
      {"spdlog/", {"engine/base/log.*", "server/observability/*"}},
      {"yaml-cpp/", {"config/*"}},
      {"google/protobuf/", {"api/*", "server/rpc/*", "server/daemon/*", "server/ctl/*"}},
      {"grpc", {"api/*", "server/client/*", "server/rpc/*", "server/daemon/*", "server/ctl/*"}},
      {"rocksdb/", {"bench/*"}},
      {"catch2/", {"test/*"}},
      {"CLI/", {"*_main.cc", "server/ctl/*"}},
      {"roaring/", {"engine/index/*"}},
      {"xxhash", {"engine/encoding/*", "engine/model/*"}},
      {"curl/", {"server/remote/*"}},
      {"pugixml", {"server/remote/*"}},
      {"openssl/", {"server/remote/*", "server/backup/*", "server/security/*"}},
      {"crypt.h", {"server/security/*"}},
      {"jemalloc/", {"server/*"}},
      {"absl/", {"server/scheduler/*", "server/daemon/breakdown.cc"}},
      {"regex", {}},
      {"iostream", {"*_main.cc", "server/ctl/*"}},
  };
  return libraries;
}

bool IsHome(std::string_view home, std::string_view path) {
  if (EndsWith(home, "*")) return StartsWith(path, home.substr(0, home.size() - 1));
  return EndsWith(path, home.substr(1));
}

Offences LibrariesStayAtHome(const Tree& tree) {
  Offences offences;
  for (const auto& [path, content] : tree) {
    // Tests and benchmarks may look at everything, except that RocksDB is for comparison only.
    const bool product = IsProduct(path);
    if (!IsSource(path)) continue;
    for (const Include& include : IncludesOf(content)) {
      for (const Library& library : Libraries()) {
        const bool watched = product || library.include == "rocksdb/";
        if (include.quoted || !watched || !StartsWith(include.path, library.include)) continue;
        const std::string& file = path;  // clang 14 cannot capture a structured binding
        if (std::none_of(library.homes.begin(), library.homes.end(),
                         [&](std::string_view home) { return IsHome(home, file); })) {
          offences.push_back(At(path, include.line) + "<" + include.path + "> has no home here");
        }
      }
    }
  }
  return offences;
}

// --- Files of the operating system
// ----------------------------------------------------------------------------------

// Engine code takes files from engine/io, time and randomness from engine/base and threads from
// engine/runtime: only then a test can replace them.
Offences EngineGoesThroughItsSeams(const Tree& tree) {
  static const std::vector<std::string_view> kCalls = {
      "open(",           "openat(",      "creat(",         "fopen(",     "close(",
      "fsync(",          "fdatasync(",   "pread(",         "pwrite(",    "rename(",
      "renameat(",       "unlink(",      "mkdir(",         "ftruncate(", "fallocate(",
      "io_uring_setup(", "sleep_for",    "sleep_until",    "usleep(",    "nanosleep(",
      "system_clock",    "steady_clock", "clock_gettime(", "getrandom(", "random_device",
      "fstream",         "ifstream",     "ofstream",       "jthread"};
  static const std::vector<std::string_view> kAnywhere = {"std::filesystem", "io_uring_",
                                                          "std::thread", "std::async"};
  Offences offences;
  for (const auto& [path, content] : tree) {
    if (!StartsWith(path, "engine/") || !IsSource(path)) continue;
    if (StartsWith(path, "engine/io/") || StartsWith(path, "engine/base/") ||
        StartsWith(path, "engine/runtime/")) {
      continue;
    }
    const Words lines = Lines(content);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string code = CodeOf(lines[i]);
      for (const std::string_view call : kCalls) {
        if (FindWord(code, call) != std::string::npos) {
          offences.push_back(At(path, i) + "uses " + std::string(call));
        }
      }
      for (const std::string_view name : kAnywhere) {
        if (Contains(code, name)) offences.push_back(At(path, i) + "uses " + std::string(name));
      }
    }
  }
  return offences;
}

// --- Documents
// ------------------------------------------------------------------------------------------------------

// The text between single back-ticks, outside of code blocks.
struct Quote {
  size_t line;
  std::string text;
};

std::vector<Quote> QuotesOf(const std::string& content) {
  std::vector<Quote> quotes;
  bool in_block = false;
  const Words lines = Lines(content);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (StartsWith(lines[i].substr(std::min(lines[i].find_first_not_of(' '), lines[i].size())),
                   "```")) {
      in_block = !in_block;
      continue;
    }
    if (in_block) continue;
    for (size_t open = lines[i].find('`'); open != std::string::npos;) {
      const size_t close = lines[i].find('`', open + 1);
      if (close == std::string::npos) break;
      quotes.push_back({i, lines[i].substr(open + 1, close - open - 1)});
      open = lines[i].find('`', close + 1);
    }
  }
  return quotes;
}

// "part.{h,cc}" means two files; everything else itself.
Words ExpandBraces(const std::string& text) {
  const size_t open = text.find('{');
  const size_t close = text.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return {text};
  Words expanded;
  std::istringstream choices(text.substr(open + 1, close - open - 1));
  for (std::string choice; std::getline(choices, choice, ',');) {
    expanded.push_back(text.substr(0, open) + choice + text.substr(close + 1));
  }
  return expanded;
}

bool LooksLikeAPath(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsWordCharacter(c) || Contains("./-{},", std::string_view(&c, 1));
  });
}

bool StartsInTheTree(const std::string& text) {
  static const std::vector<std::string_view> kRoots = {"engine/", "server/", "config/", "api/",
                                                       "test/",   "bench/",  "docs/",   "deploy/",
                                                       "cmake/",  ".ci/"};
  return std::any_of(kRoots.begin(), kRoots.end(),
                     [&](std::string_view root) { return StartsWith(text, root); });
}

bool Exists(const Tree& tree, std::string path) {
  while (EndsWith(path, "/") || EndsWith(path, ".")) path.pop_back();
  if (tree.count(path) > 0 || HasFolder(tree, path)) return true;
  const std::vector<Room> rooms = ParseRooms(tree);  // a declared room may still be empty
  return std::any_of(rooms.begin(), rooms.end(),
                     [&](const Room& room) { return room.path == path; });
}

Offences DocumentsNameWhatExists(const Tree& tree) {
  Offences offences;
  for (const auto& [path, content] : tree) {
    if (!EndsWith(path, ".md")) continue;
    for (const Quote& quote : QuotesOf(content)) {
      if (!LooksLikeAPath(quote.text) || !StartsInTheTree(quote.text)) continue;
      for (const std::string& named : ExpandBraces(quote.text)) {
        if (!Exists(tree, named))
          offences.push_back(At(path, quote.line) + named + " does not exist");
      }
    }
    const Words lines = Lines(content);
    for (size_t i = 0; i < lines.size(); ++i) {
      for (size_t at = lines[i].find("]("); at != std::string::npos;
           at = lines[i].find("](", at + 1)) {
        std::string target = lines[i].substr(at + 2, lines[i].find_first_of(")#", at) - at - 2);
        if (target.empty() || Contains(target, ":")) continue;
        target = (std::filesystem::path(Folder(path)) / target).lexically_normal().string();
        if (!Exists(tree, target))
          offences.push_back(At(path, i) + "link to " + target + " is dead");
      }
    }
  }
  return offences;
}

Offences EveryRoomHasItsReadme(const Tree& tree) {
  Offences offences;
  std::map<std::string, std::set<std::string>> files;  // folder -> names of its sources
  for (const auto& [path, content] : tree) {
    if (IsProduct(path) && IsSource(path)) files[Folder(path)].insert(FileName(path));
  }
  for (const auto& [folder, names] : files) {
    const std::string readme = folder + "/README.md";
    if (tree.count(readme) == 0) {
      offences.push_back(folder + " has no README.md");
      continue;
    }
    if (!StartsWith(tree.at(readme), "# " + folder + "\n")) {
      offences.push_back(readme + " does not begin with the name of its room");
    }
    std::set<std::string> named;
    for (const Quote& quote : QuotesOf(tree.at(readme))) {
      for (const std::string& name : ExpandBraces(quote.text)) {
        named.insert(name);
        if (IsSource(name) && LooksLikeAPath(name) && !Contains(name, "/") &&
            names.count(name) == 0) {
          offences.push_back(At(readme, quote.line) + name + " does not exist");
        }
      }
    }
    for (const std::string& name : names) {
      if (EndsWith(name, ".h") && named.count(name) == 0) {
        offences.push_back(readme + " does not name " + name);
      }
    }
  }
  return offences;
}

Offences DecisionsAreComplete(const Tree& tree) {
  static const std::array<std::string_view, 5> kSections = {"Context", "Decision", "Alternatives",
                                                            "Evidence", "Consequences"};
  Offences offences;
  size_t number = 0;
  for (const auto& [path, content] : tree) {
    if (!StartsWith(path, "docs/decisions/") || FileName(path) == "README.md") continue;
    const std::string digits = std::to_string(++number);
    const std::string expected = std::string(4 - digits.size(), '0') + digits + "-";
    if (!StartsWith(FileName(path), expected)) {
      offences.push_back(path + " should start with " + expected);
    }
    for (const std::string_view section : kSections) {
      if (!Contains(content, "\n## " + std::string(section) + "\n")) {
        offences.push_back(path + " lacks the section " + std::string(section));
      }
    }
  }
  return offences;
}

// --- Tests
// ----------------------------------------------------------------------------------------------------------

// test/untested.txt: one "<path> <reason>" a line.
std::map<std::string, std::string> Untested(const Tree& tree) {
  std::map<std::string, std::string> untested;
  for (const std::string& line : Lines(ReadOr(tree, "test/untested.txt"))) {
    const Words words = Split(line);
    if (words.empty() || StartsWith(words[0], "#")) continue;
    untested[words[0]] = words.size() > 1 ? line.substr(words[0].size()) : "";
  }
  return untested;
}

std::string TestOf(const std::string& source) {
  return "test/" + source.substr(0, source.size() - 3) + "_test.cc";
}

Offences EverySourceHasATest(const Tree& tree) {
  Offences offences;
  const auto untested = Untested(tree);
  for (const auto& [path, content] : tree) {
    if (!IsProduct(path) || !EndsWith(path, ".cc")) continue;
    if (tree.count(TestOf(path)) == 0 && untested.count(path) == 0) {
      offences.push_back(path + " has neither " + TestOf(path) +
                         " nor a line in test/untested.txt");
    }
  }
  for (const auto& [path, reason] : untested) {
    if (tree.count(path) == 0) offences.push_back("test/untested.txt: " + path + " does not exist");
    if (reason.empty()) offences.push_back("test/untested.txt: " + path + " gives no reason");
    if (tree.count(TestOf(path)) > 0)
      offences.push_back("test/untested.txt: " + path + " has a test");
  }
  return offences;
}

Offences EveryTestIsBuilt(const Tree& tree) {
  Offences offences;
  std::set<std::string> built = {"test"};
  for (const Words& call : CMakeCalls(ReadOr(tree, "test/CMakeLists.txt"), "room_test")) {
    built.insert("test/" + call[0]);
  }
  for (const auto& [path, content] : tree) {
    if (!StartsWith(path, "test/") || !EndsWith(path, "_test.cc")) continue;
    if (built.count(Folder(path)) == 0) {
      offences.push_back(path + ": test/CMakeLists.txt has no room_test(" + Folder(path).substr(5) +
                         ")");
    }
  }
  return offences;
}

Offences EveryFuzzTargetHasSeeds(const Tree& tree) {
  Offences offences;
  for (const auto& [path, content] : tree) {
    if (!StartsWith(path, "test/fuzz/") || !EndsWith(path, "_fuzz.cc")) continue;
    const std::string name = FileName(path);
    const std::string corpus = "test/fuzz/corpus/" + name.substr(0, name.size() - 8);
    if (!HasFolder(tree, corpus)) offences.push_back(path + " has no seeds in " + corpus);
  }
  return offences;
}

// --- Words
// ----------------------------------------------------------------------------------------------------------

bool IsText(const std::string& path) {
  return !StartsWith(path, "test/fuzz/corpus/") && !StartsWith(path, "test/golden/") &&
         path != "LICENSE";
}

Offences NothingIsLeftForLater(const Tree& tree) {
  // In pieces, so that this file obeys its own rule.
  static const std::vector<std::string> kMarks = {
      "FIX"
      "ME",
      "TO"
      "DO",
      "XX"
      "X",
      "HA"
      "CK"};
  Offences offences;
  for (const auto& [path, content] : tree) {
    if (!IsText(path)) continue;
    const Words lines = Lines(content);
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& mark : kMarks) {
        if (FindWord(lines[i], mark) != std::string::npos) offences.push_back(At(path, i) + mark);
      }
    }
  }
  return offences;
}

// "issue 7", "phase 2", "#12": the code describes itself, not how it was planned. A number in
// another project's tracker, written owner/name#12, says where a fact comes from and stays.
bool SpeaksOfAPlan(const std::string& line) {
  static const std::vector<std::string> kWords = {"issue", "milestone", "phase", "ticket", "task"};
  std::string lower = line;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string& word : kWords) {
    const size_t at = FindWord(lower, word);
    if (at == std::string::npos || (at > 0 && lower[at - 1] != ' ' && lower[at - 1] != '('))
      continue;
    const size_t next = lower.find_first_not_of(" #", at + word.size());
    if (next != std::string::npos && next > at + word.size() &&
        std::isdigit(static_cast<unsigned char>(lower[next])) != 0) {
      return true;
    }
  }
  for (size_t at = line.find('#'); at != std::string::npos; at = line.find('#', at + 1)) {
    const bool starts = at == 0 || line[at - 1] == ' ' || line[at - 1] == '(';
    if (starts && at + 1 < line.size() && std::isdigit(static_cast<unsigned char>(line[at + 1]))) {
      return true;
    }
  }
  return false;
}

Offences NothingSpeaksOfPlans(const Tree& tree) {
  Offences offences;
  for (const auto& [path, content] : tree) {
    const bool looked_at = IsSource(path) || EndsWith(path, ".md") || EndsWith(path, ".txt") ||
                           EndsWith(path, ".cmake") || EndsWith(path, ".proto") ||
                           EndsWith(path, ".yaml") || EndsWith(path, ".py") || path == "dev";
    if (!looked_at || path == "test/tidy_test.cc") continue;
    const Words lines = Lines(content);
    for (size_t i = 0; i < lines.size(); ++i) {
      if (SpeaksOfAPlan(lines[i])) offences.push_back(At(path, i) + "names a plan: " + lines[i]);
    }
  }
  return offences;
}

Offences NoPathOfOneMachine(const Tree& tree) {
  static const std::vector<std::string> kPlaces = {
      "/wo"
      "rk/",
      "/ho"
      "me/",
      "/ro"
      "ot/",
      "/tmp/"
      "build-"};
  Offences offences;
  for (const auto& [path, content] : tree) {
    if (!IsText(path)) continue;
    const Words lines = Lines(content);
    for (size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& place : kPlaces) {
        const size_t at = lines[i].find(place);
        if (at == std::string::npos || (at > 0 && IsWordCharacter(lines[i][at - 1]))) continue;
        offences.push_back(At(path, i) + "names " + place);
      }
    }
  }
  return offences;
}

Offences HeadersAreGuarded(const Tree& tree) {
  Offences offences;
  for (const auto& [path, content] : tree) {
    if (EndsWith(path, ".h") && !Contains(content, "#pragma once\n")) {
      offences.push_back(path + " has no #pragma once");
    }
    if (IsSource(path) && StartsWith(content, "#") && EndsWith(path, ".h")) {
      offences.push_back(path + " does not start with a sentence on what it is for");
    }
  }
  return offences;
}

void RequireNone(const Offences& offences) {
  for (const std::string& offence : offences) std::puts(offence.c_str());
  REQUIRE(offences.empty());
}

const Tree& Checkout() {
  static const Tree tree = ReadTree();
  return tree;
}

}  // namespace

TEST_CASE("the rooms block lists every room once and only looks up", "[tidy]") {
  RequireNone(RoomsAreOrdered(Checkout()));
  const Tree bad = {{"ARCHITECTURE.md", "```rooms\na -> b\nb ->\nb ->\n```\n"}};
  REQUIRE(RoomsAreOrdered(bad).size() == 2);
  REQUIRE(RoomsAreOrdered({}).size() == 1);
}

TEST_CASE("a room includes what its line in ARCHITECTURE.md allows and nothing else", "[tidy]") {
  RequireNone(IncludesObeyTheRooms(Checkout()));
  const Tree bad = {
      {"ARCHITECTURE.md", "```rooms\napi ->\nengine/io ->\nengine/part -> engine/io\n```\n"},
      {"engine/io/file.h", "#include \"engine/part/part.h\"\n"},
      {"engine/part/part.h", "#include \"engine/io/file.h\"\n#include \"engine/io/gone.h\"\n"},
      {"engine/part/part.cc", "#include \"banyandb/measure/v1/write.pb.h\"\n"},
      {"engine/attic/old.cc", ""}};
  REQUIRE(
      IncludesObeyTheRooms(bad) ==
      Offences{"engine/attic/old.cc lies in no room of ARCHITECTURE.md",
               "engine/io/file.h:1: includes engine/part/part.h, but engine/io may not include "
               "engine/part",
               "engine/part/part.cc:1: includes banyandb/measure/v1/write.pb.h, but engine/part "
               "may not include api",
               "engine/part/part.h:2: includes engine/io/gone.h, which does not exist"});
}

TEST_CASE("CMakeLists.txt declares the rooms as ARCHITECTURE.md does", "[tidy]") {
  RequireNone(CMakeAgreesWithTheRooms(Checkout()));
  const Tree bad = {{"ARCHITECTURE.md", "```rooms\na ->\nb -> a\nc -> a b\n```\n"},
                    {"CMakeLists.txt", "room(b LINKS x)\nroom(c DEPENDS a b)\nroom(d)\n"}};
  REQUIRE(CMakeAgreesWithTheRooms(bad).size() == 3);
}

TEST_CASE("every library has one home", "[tidy]") {
  RequireNone(LibrariesStayAtHome(Checkout()));
  const Tree bad = {
      {"engine/base/log.cc", "#include <spdlog/spdlog.h>\n"},
      {"engine/part/part.cc", "#include <spdlog/spdlog.h>\n#include <zstd.h>\n"},
      {"test/engine/part/part_test.cc", "#include <zstd.h>\n#include <rocksdb/db.h>\n"},
      {"server/ctl/x.cc", "#include <CLI/CLI.hpp>\n"},
      {"server/daemon/x_main.cc", "#include <CLI/CLI.hpp>\n"},
      {"server/daemon/x.cc", "#include <CLI/CLI.hpp>\n"}};
  REQUIRE(LibrariesStayAtHome(bad) ==
          Offences{"engine/part/part.cc:1: <spdlog/spdlog.h> has no home here",
                   "engine/part/part.cc:2: <zstd.h> has no home here",
                   "server/daemon/x.cc:1: <CLI/CLI.hpp> has no home here",
                   "test/engine/part/part_test.cc:2: <rocksdb/db.h> has no home here"});
}

TEST_CASE("engine code takes files, time and threads from its seams", "[tidy]") {
  RequireNone(EngineGoesThroughItsSeams(Checkout()));
  const Tree bad = {{"engine/io/posix.cc", "int fd = ::open(path, 0);\n"},
                    {"engine/part/part.cc",
                     "// open( and fsync( in a comment are fine\n"
                     "auto file = FilePart::Reopen(path);\n"
                     "LogInfo(\"x\", \"fsync( failed\");\n"
                     "int fd = ::open(path, 0);\n"
                     "std::filesystem::remove(path);\n"
                     "auto now = std::chrono::system_clock::now();\n"}};
  REQUIRE(EngineGoesThroughItsSeams(bad) == Offences{"engine/part/part.cc:4: uses open(",
                                                     "engine/part/part.cc:5: uses std::filesystem",
                                                     "engine/part/part.cc:6: uses system_clock"});
}

TEST_CASE("documents name files and folders that exist", "[tidy]") {
  RequireNone(DocumentsNameWhatExists(Checkout()));
  const Tree bad = {{"engine/part/part.h", ""},
                    {"docs/a.md",
                     "`engine/part` `engine/part/part.{h,cc}` [x](../engine/part) [y](gone.md)\n"
                     "```\n`engine/gone`\n```\n`engine/gone.` `engine/<any>`\n"}};
  REQUIRE(DocumentsNameWhatExists(bad) ==
          Offences{"docs/a.md:1: engine/part/part.cc does not exist",
                   "docs/a.md:5: engine/gone. does not exist",
                   "docs/a.md:1: link to docs/gone.md is dead"});
}

TEST_CASE("every room has a README that names its headers", "[tidy]") {
  RequireNone(EveryRoomHasItsReadme(Checkout()));
  const Tree bad = {{"engine/io/file.h", ""},
                    {"engine/part/part.h", ""},
                    {"engine/part/block.h", ""},
                    {"engine/part/block.cc", ""},
                    {"engine/part/README.md", "# engine/part\n`block.{h,cc}` `gone.h`\n"},
                    {"engine/wal/log.h", ""},
                    {"engine/wal/README.md", "#engine / wal\n`log.h`\n"}};
  REQUIRE(EveryRoomHasItsReadme(bad) ==
          Offences{"engine/io has no README.md", "engine/part/README.md:2: gone.h does not exist",
                   "engine/part/README.md does not name part.h",
                   "engine/wal/README.md does not begin with the name of its room"});
}

TEST_CASE("decision records are numbered without gaps and complete", "[tidy]") {
  RequireNone(DecisionsAreComplete(Checkout()));
  const std::string whole =
      "# T\n\n## Context\n\n## Decision\n\n## Alternatives\n\n## Evidence\n\n## Consequences\n";
  const Tree bad = {{"docs/decisions/0001-a.md", whole}, {"docs/decisions/0003-b.md", "# T\n"}};
  REQUIRE(DecisionsAreComplete(bad).size() == 6);
}

TEST_CASE("every source has a test at the mirrored path or a stated reason", "[tidy]") {
  RequireNone(EverySourceHasATest(Checkout()));
  const Tree bad = {
      {"engine/part/a.cc", ""},
      {"engine/part/b.cc", ""},
      {"engine/part/c.cc", ""},
      {"test/engine/part/a_test.cc", ""},
      {"test/untested.txt", "# why\nengine/part/c.cc\nengine/part/gone.cc a reason\n"}};
  REQUIRE(EverySourceHasATest(bad) ==
          Offences{"engine/part/b.cc has neither test/engine/part/b_test.cc nor a line in "
                   "test/untested.txt",
                   "test/untested.txt: engine/part/c.cc gives no reason",
                   "test/untested.txt: engine/part/gone.cc does not exist"});
}

TEST_CASE("every test is part of the build, every fuzz target has seeds", "[tidy]") {
  RequireNone(EveryTestIsBuilt(Checkout()));
  RequireNone(EveryFuzzTargetHasSeeds(Checkout()));
  const Tree bad = {{"test/CMakeLists.txt", "room_test(engine/io)\n"},
                    {"test/engine/io/a_test.cc", ""},
                    {"test/engine/part/a_test.cc", ""},
                    {"test/fuzz/block_fuzz.cc", ""},
                    {"test/fuzz/part_fuzz.cc", ""},
                    {"test/fuzz/corpus/part/empty", ""}};
  REQUIRE(EveryTestIsBuilt(bad).size() == 1);
  REQUIRE(EveryFuzzTargetHasSeeds(bad).size() == 1);
}

TEST_CASE("nothing is marked as left for later", "[tidy]") {
  RequireNone(NothingIsLeftForLater(Checkout()));
  const Tree bad = {{"a.cc",
                     "// TO"
                     "DO: later\nmkdtemp(\"a-XXXXXX\");\n"}};
  REQUIRE(NothingIsLeftForLater(bad).size() == 1);
}

TEST_CASE("no file speaks of plans or of one machine", "[tidy]") {
  RequireNone(NothingSpeaksOfPlans(Checkout()));
  RequireNone(NoPathOfOneMachine(Checkout()));
  REQUIRE(SpeaksOfAPlan("see issue 3"));
  REQUIRE(SpeaksOfAPlan("Phase 2 does it (#7)"));
  REQUIRE_FALSE(SpeaksOfAPlan("a tissue 3, issues, grpc/grpc#29617, # 1"));
  REQUIRE(NoPathOfOneMachine({{"a.md",
                               "/ho"
                               "me/someone"},
                              {"b.md", "engine/work/x"}})
              .size() == 1);
}

TEST_CASE("headers are guarded and say what they are for", "[tidy]") {
  RequireNone(HeadersAreGuarded(Checkout()));
  const Tree bad = {{"engine/a.h", "#pragma once\n"}, {"engine/b.h", "// B.\n"}};
  REQUIRE(HeadersAreGuarded(bad).size() == 2);
}
