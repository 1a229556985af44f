#include "engine/io/file_system.h"

#include <string>

namespace ficus {
namespace {

// What is wrong with one component of a path; null when nothing is.
const char* NameProblem(std::string_view name) {
  if (name.empty()) return "empty name";
  if (name == "." || name == "..") return "name is . or ..";
  if (name.size() > kFileNameBytesMax) return "name too long";
  return nullptr;
}

const char* PathProblem(std::string_view path) {
  if (path.size() > kPathBytesMax) return "path too long";
  if (path.find('\0') != std::string_view::npos) return "NUL in path";
  if (!path.empty() && path.front() == '/') return "absolute path";
  while (true) {
    const size_t slash = path.find('/');
    if (const char* problem = NameProblem(path.substr(0, slash)); problem != nullptr) {
      return problem;
    }
    if (slash == std::string_view::npos) return nullptr;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view FileClassName(FileClass file_class) {
  switch (file_class) {
    case FileClass::kLog:
      return "log";
    case FileClass::kFlush:
      return "flush";
    case FileClass::kMerge:
      return "merge";
    case FileClass::kManifest:
      return "manifest";
    case FileClass::kQuery:
      return "query";
    case FileClass::kRecovery:
      return "recovery";
    case FileClass::kSnapshot:
      return "snapshot";
    case FileClass::kBackup:
      return "backup";
    case FileClass::kTool:
      return "tool";
  }
  return "unknown";
}

Result<> CheckRelativePath(std::string_view path) {
  const char* problem = PathProblem(path);
  if (problem == nullptr) return Ok();
  // The path may be hostile: the message holds its beginning only.
  return Error{ErrorCode::kInvalidArgument,
               "path \"" + std::string(path.substr(0, kFileNameBytesMax)) + "\": " + problem};
}

std::string_view ParentPath(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string JoinPath(std::string_view parent, std::string_view name) {
  if (parent.empty()) return std::string(name);
  std::string path;
  path.reserve(parent.size() + 1 + name.size());
  path.append(parent).append(1, '/').append(name);
  return path;
}

}  // namespace ficus
