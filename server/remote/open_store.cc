#include "server/remote/open_store.h"

#include <utility>

#include <fmt/core.h>

#include "engine/base/suggestion.h"
#include "server/remote/concurrency_store.h"
#include "server/remote/metered_store.h"
#include "server/remote/store_url.h"

namespace ficus {
namespace {

constexpr std::string_view kMark = "://";

Error BadUrl(std::string_view url, std::string_view why) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: {}", url.empty() ? "empty URL" : WithoutSecrets(url), why)};
}

bool IsPlannedScheme(std::string_view scheme) {
  return scheme == "s3" || scheme == "gs" || scheme == "gcs" || scheme == "azure";
}

// Success for file://; else what is wrong.
Result<> CheckScheme(std::string_view url) {
  const size_t mark = url.find(kMark);
  if (mark == std::string_view::npos) {
    const bool is_path = !url.empty() && url[0] == '/';
    return BadUrl(url, is_path ? "a path, not a URL; write file://" + WithoutSecrets(url)
                               : "not a URL; write file:///absolute/folder");
  }
  const std::string scheme(url.substr(0, mark));
  if (scheme == "file") return Ok();
  if (IsPlannedScheme(scheme)) {
    return Error{ErrorCode::kUnimplemented,
                 fmt::format("{}: {}:// is not built into this version; file:// is",
                             WithoutSecrets(url), scheme)};
  }
  const std::string nearest = NearestWord(scheme, {"file", "s3", "gs", "gcs", "azure"});
  return BadUrl(url, nearest.empty() ? "unknown scheme; write file:///absolute/folder"
                                     : "unknown scheme; did you mean " + nearest + "://?");
}

struct System {
  SystemClock clock;
  SystemRandom random;
  SystemSleeper sleeper;

  static System& Get() {
    static System* const system = new System;
    return *system;
  }
};

std::shared_ptr<ObjectStore> Wrap(std::shared_ptr<ObjectStore> store, const StoreOptions& options) {
  if (options.metrics != nullptr) {
    store = std::make_shared<MeteredStore>(std::move(store), options.remote, *options.metrics,
                                           *options.clock);
  }
  if (options.rates.up_bytes_per_second > 0 || options.rates.down_bytes_per_second > 0) {
    store = std::make_shared<RateLimitStore>(std::move(store), options.rates, *options.clock,
                                             *options.sleeper);
  }
  if (options.calls_max > 0) {
    store = std::make_shared<ConcurrencyStore>(std::move(store), options.calls_max);
  }
  return store;
}

}  // namespace

Result<> CheckStoreUrl(std::string_view url) {
  RETURN_IF_ERROR(CheckScheme(url));
  RETURN_IF_ERROR(ParseFileUrl(url));
  return Ok();
}

Result<std::unique_ptr<ObjectStore>> OpenStore(std::string_view url, StoreOptions options) {
  System& system = System::Get();
  if (options.clock == nullptr) options.clock = &system.clock;
  if (options.random == nullptr) options.random = &system.random;
  if (options.sleeper == nullptr) options.sleeper = &system.sleeper;

  RETURN_IF_ERROR(CheckScheme(url));
  ASSIGN_OR_RETURN(const std::string folder, ParseFileUrl(url));
  FileStoreOptions file;
  file.missing = options.missing;
  file.clock = options.clock;
  file.random = options.random;
  ASSIGN_OR_RETURN(std::shared_ptr<ObjectStore> store, OpenFileStore(folder, file));
  return std::unique_ptr<ObjectStore>(std::make_unique<RetryStore>(
      Wrap(std::move(store), options), options.retry, *options.random, *options.sleeper));
}

}  // namespace ficus
