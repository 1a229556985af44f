#include "server/remote/store_url.h"

#include <cctype>
#include <optional>

#include <fmt/core.h>

#include "engine/base/utf8.h"
#include "engine/io/file_system.h"

namespace ficus {
namespace {

constexpr std::string_view kScheme = "file://";
constexpr std::string_view kHex = "0123456789abcdef";

Error BadUrl(std::string_view url, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}: {}", WithoutSecrets(url), why)};
}

int HexDigit(char c) {
  const int lower = std::tolower(static_cast<unsigned char>(c));
  const size_t at = kHex.find(static_cast<char>(lower));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// None for an escape that is none.
std::optional<std::string> Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

bool StandsForItself(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("/-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

}  // namespace

Result<std::string> ParseFileUrl(std::string_view url) {
  if (!url.starts_with(kScheme)) return BadUrl(url, "not a file:// URL");
  std::string_view path = url.substr(kScheme.size());
  if (path.empty()) return BadUrl(url, "no folder; write file:///absolute/path");
  if (path[0] != '/') {
    return BadUrl(url, fmt::format("a host or a relative path; did you mean file:///{}?",
                                   WithoutSecrets(path)));
  }
  if (path.find_first_of("?#") != std::string_view::npos) {
    return BadUrl(url, "a query or fragment; write %3F for '?' and %23 for '#'");
  }
  std::optional<std::string> folder = Unescape(path);
  if (!folder.has_value()) return BadUrl(url, "'%' without two hex digits; write %25 for '%'");
  while (folder->size() > 1 && folder->back() == '/') folder->pop_back();
  if (const Result<> checked = CheckStoreFolder(*folder); !checked) {
    return BadUrl(url, checked.error().message);
  }
  return *std::move(folder);
}

std::string WithoutSecrets(std::string_view url) {
  constexpr size_t kShownMax = 300;
  const size_t scheme = url.find("://");
  std::string shown;
  if (scheme != std::string_view::npos) {
    shown = url.substr(0, scheme + 3);
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("?#"));
  // Up to the last '@': a password may hold any character, although it should be escaped.
  const size_t authority = shown == kScheme ? url.find('/') : url.size();
  const size_t user_end = url.substr(0, authority).rfind('@');
  if (user_end != std::string_view::npos) url.remove_prefix(user_end + 1);
  shown += url;
  std::string clean;
  for (const char c : ToUtf8(std::string_view(shown).substr(0, kShownMax))) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    clean += control ? '?' : c;
  }
  return shown.size() > kShownMax ? clean + "..." : clean;
}

std::string FileUrl(std::string_view folder) {
  std::string url(kScheme);
  for (const char c : folder) {
    if (StandsForItself(c)) {
      url += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      url += '%';
      url += static_cast<char>(std::toupper(kHex[byte / 16]));
      url += static_cast<char>(std::toupper(kHex[byte % 16]));
    }
  }
  return url;
}

Result<> CheckStoreFolder(std::string_view folder) {
  if (folder.empty() || folder[0] != '/') {
    return Error{ErrorCode::kInvalidArgument, "the folder of a store is an absolute path"};
  }
  if (folder == "/") {
    return Error{ErrorCode::kInvalidArgument, "the root of the machine is no folder for a store"};
  }
  return CheckRelativePath(folder.substr(1));
}

}  // namespace ficus
