#include "config/show.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "config/keys.h"

namespace ficus {
namespace {

std::vector<std::string_view> Words(std::string_view path) {
  std::vector<std::string_view> words;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('.', start), path.size());
    words.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

// In double quotes, as YAML wants them.
std::string YamlQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// "a,b" -> ["a", "b"]
std::string YamlList(std::string_view text) {
  std::string list = "[";
  for (size_t start = 0; !text.empty() && start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    list += (list.size() == 1 ? "" : ", ") + YamlQuoted(text.substr(start, end - start));
    start = end + 1;
  }
  return list + "]";
}

class Printer {
 public:
  Printer(const LoadedConfig& loaded, ShowOrigin origin) : loaded_(loaded), origin_(origin) {}

  std::string Print() {
    const std::vector<ConfigKey> keys = ConfigKeysOf(loaded_.config);
    for (const ConfigKey& key : keys) {
      if (key.path == "restore.on_start") PrintEmptySections();
      PrintSections(Words(key.path));
      if (key.kind == ConfigKeyKind::kMap) {
        PrintMap(key);
      } else {
        const std::string value = key.show(loaded_.config);
        Line(Words(key.path).size() - 1, Words(key.path).back(), key.path,
             key.kind == ConfigKeyKind::kText   ? YamlQuoted(value)
             : key.kind == ConfigKeyKind::kList ? YamlList(value)
                                                : value);
      }
    }
    return std::move(text_);
  }

 private:
  // The headings of the sections that begin with this key.
  void PrintSections(const std::vector<std::string_view>& words) {
    size_t same = 0;
    while (same + 1 < words.size() && same + 1 < open_.size() && words[same] == open_[same]) {
      ++same;
    }
    for (size_t depth = same; depth + 1 < words.size(); ++depth) {
      // The operator's names may be words that mean something to YAML.
      const bool is_name = depth == 1 && HasNamedSections(words[0]);
      text_ += std::string(2 * depth, ' ')
                   .append(is_name ? YamlQuoted(words[depth]) : std::string(words[depth])) +
               ":\n";
    }
    open_ = words;
  }

  void PrintEmptySections() {
    if (loaded_.config.remotes.empty()) Line(0, "remotes", "remotes", "{}");
    if (loaded_.config.backups.empty()) Line(0, "backups", "backups", "{}");
  }

  void PrintMap(const ConfigKey& key) {
    const size_t depth = Words(key.path).size() - 1;
    const auto& labels = loaded_.config.node.labels;
    if (labels.empty()) {
      Line(depth, Words(key.path).back(), key.path, "{}");
      return;
    }
    text_ += std::string(2 * depth, ' ').append(Words(key.path).back()) + ":\n";
    for (const auto& [name, value] : labels) {
      Line(depth + 1, YamlQuoted(name), key.path + "." + name, YamlQuoted(value));
    }
  }

  void Line(size_t depth, std::string_view name, const std::string& path,
            const std::string& value) {
    const bool secret = loaded_.secrets.count(path) != 0;
    std::string line =
        fmt::format("{}{}: {}", std::string(2 * depth, ' '), name, secret ? "\"***\"" : value);
    if (origin_ == ShowOrigin::kYes) {
      line = fmt::format("{:<44}  # {}", line, loaded_.Origin(path).where);
    }
    text_ += line + "\n";
  }

  const LoadedConfig& loaded_;
  const ShowOrigin origin_;
  std::vector<std::string_view> open_;  // the words of the last key
  std::string text_;
};

}  // namespace

std::string ShowConfig(const LoadedConfig& loaded, ShowOrigin origin) {
  return Printer(loaded, origin).Print();
}

}  // namespace ficus
