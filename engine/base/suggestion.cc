#include "engine/base/suggestion.h"

#include <algorithm>
#include <numeric>

namespace ficus {
namespace {

constexpr size_t kWordBytesMax = 64;

std::string_view Parent(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string_view LastWord(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  if (a.size() > kWordBytesMax || b.size() > kWordBytesMax) return a == b ? 0 : 2 * kWordBytesMax;
  // Rows of the usual table: two back, one back, and the one being filled.
  std::vector<size_t> older(b.size() + 1);
  std::vector<size_t> old(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(old.begin(), old.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = old[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({old[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
    }
    older.swap(old);
    old.swap(row);
  }
  return old[b.size()];
}

std::string NearestWord(std::string_view word, const std::vector<std::string>& words) {
  size_t best = 2 + word.size() / 4;
  std::string nearest;
  for (const std::string& candidate : words) {
    const size_t distance = EditDistance(word, candidate);
    // A word that would be replaced as a whole is no suggestion.
    if (distance < best && distance < candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string NearestPath(std::string_view path, const std::vector<std::string>& paths) {
  const std::string_view parent = Parent(path);
  std::vector<std::string> siblings;
  for (const std::string& candidate : paths) {
    if (Parent(candidate) == parent) siblings.emplace_back(LastWord(candidate));
  }
  const std::string sibling = NearestWord(LastWord(path), siblings);
  if (!sibling.empty()) return parent.empty() ? sibling : std::string(parent) + "." + sibling;
  for (const std::string& candidate : paths) {
    if (LastWord(candidate) == LastWord(path)) return candidate;
  }
  return NearestWord(path, paths);
}

}  // namespace ficus
