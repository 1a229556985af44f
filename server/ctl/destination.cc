#include "server/ctl/destination.h"

#include <cctype>
#include <vector>

#include <fmt/core.h>

namespace ficus {

std::string CanonicalUrl(std::string_view url) {
  const size_t colon = url.find("://");
  if (colon == std::string_view::npos) return std::string(url);
  std::string scheme(url.substr(0, colon));
  for (char& c : scheme) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (scheme == "gcs") scheme = "gs";
  std::string_view rest = url.substr(colon + 3);
  const bool rooted = scheme == "file" || scheme.empty();
  std::string path;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view piece = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (piece.empty() || piece == ".") continue;
    if (rooted || !path.empty()) path += '/';
    path += piece;
  }
  if (rooted && path.empty()) path = "/";
  return scheme + "://" + path;
}

const admin::v1::Remote* FindRemote(const admin::v1::ListRemotesResponse& remotes,
                                    std::string_view url) {
  const std::string wanted = CanonicalUrl(url);
  for (const admin::v1::Remote& remote : remotes.remotes()) {
    if (CanonicalUrl(remote.url()) == wanted) return &remote;
  }
  return nullptr;
}

std::string UnknownDestinationText(std::string_view url,
                                   const admin::v1::ListRemotesResponse& remotes) {
  std::string text = fmt::format(
      "no remote of this node is {}. Nothing was changed. Write this into the node's "
      "configuration:\n"
      "  remotes:\n"
      "    NAME:\n"
      "      url: {}\n",
      url, CanonicalUrl(url));
  if (remotes.remotes().empty()) return text + "No remote is configured.";
  text += "Configured:";
  for (const admin::v1::Remote& remote : remotes.remotes()) {
    text += fmt::format("\n  {}: {}", remote.name(), remote.url());
  }
  return text;
}

std::string UnknownScheduleText(std::string_view remote, std::string_view schedule,
                                std::string_view time_style) {
  return fmt::format(
      "the node runs backups by its own schedule, and none of its jobs writes to {0} at \"{1}\". "
      "Nothing was changed. Write this into the node's configuration:\n"
      "  backups:\n"
      "    NAME:\n"
      "      remote: {0}\n"
      "      schedule: \"{1}\"\n"
      "      time_style: {2}",
      remote, CanonicalSchedule(schedule), time_style);
}

std::string CanonicalSchedule(std::string_view schedule) {
  for (const std::string_view word :
       {"yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"}) {
    if (schedule == word) return "@" + std::string(word);
  }
  return std::string(schedule);
}

}  // namespace ficus
