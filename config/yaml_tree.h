// YAML text as a tree that remembers where everything stood and keeps keys that appear twice. The
// only code that knows the YAML library.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ficus {

inline constexpr size_t kYamlBytesMax = size_t{1} << 20;
inline constexpr size_t kYamlDepthMax = 32;
inline constexpr size_t kYamlNodesMax = 20'000;

// Both from 1.
struct TextPosition {
  int line = 1;
  int column = 1;

  friend bool operator==(const TextPosition&, const TextPosition&) = default;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  TextPosition position;
  std::string text;                // scalar
  std::vector<YamlNode> items;     // sequence
  std::vector<YamlEntry> entries;  // mapping, in the order of the text
};

struct YamlEntry {
  std::string key;
  TextPosition position;  // of the key
  YamlNode value;
};

struct YamlMistake {
  TextPosition position;
  std::string text;
};

struct YamlDocument {
  YamlNode root;  // null for an empty text
  // With a mistake the tree holds what was read so far.
  std::vector<YamlMistake> mistakes;
};

// Reads one document of at most kYamlBytesMax bytes. Anchors, aliases, tags, a second document,
// and keys that are not scalars are mistakes. Scalars stay text: `yes`, `012` and `1e3` mean
// nothing here. Pure; any bytes.
YamlDocument ParseYaml(std::string_view text);

}  // namespace ficus
