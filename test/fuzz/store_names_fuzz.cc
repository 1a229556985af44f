// Takes arbitrary bytes as the URL of a store and as the key of an object. What is accepted must
// stay below its folder, and no message may repeat what stands for a secret in a URL.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/utf8.h"
#include "server/remote/object_store.h"
#include "server/remote/open_store.h"
#include "server/remote/store_url.h"

namespace {

bool HasPiece(std::string_view path, std::string_view piece) {
  const std::string framed = "/" + std::string(path) + "/";
  return framed.find("/" + std::string(piece) + "/") != std::string::npos;
}

void TakeAsKey(std::string_view key) {
  const auto checked = ficus::CheckKey(key);
  if (!checked.has_value()) {
    CHECK(checked.error().message.size() < 1000);
    CHECK(ficus::IsUtf8(checked.error().message));
    return;
  }
  CHECK(!key.empty() && key.size() <= ficus::kKeyBytesMax);
  CHECK(key.find('\0') == std::string_view::npos);
  for (const char* piece : {"", ".", ".."}) CHECK(!HasPiece(key, piece)) << key;
  CHECK(ficus::IsUtf8(key));
}

void TakeAsUrl(std::string_view url) {
  const auto folder = ficus::ParseFileUrl(url);
  if (folder.has_value()) {
    CHECK(folder->size() > 1 && folder->front() == '/' && folder->back() != '/');
    for (const char* piece : {".", ".."}) CHECK(!HasPiece(*folder, piece)) << *folder;
    const auto again = ficus::ParseFileUrl(ficus::FileUrl(*folder));
    CHECK(again.has_value());
    CHECK(*again == *folder);
  }
  CHECK(ficus::CheckStoreUrl(url).has_value() == folder.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TakeAsKey(text);
  TakeAsUrl(text);
  TakeAsUrl("file://" + std::string(text));
  // Behind the '?' and in front of the '@' of a URL.
  const std::string secret = "hunter2-0451";
  if (text.find(secret) != std::string_view::npos) return 0;
  for (const std::string& url :
       {"s3://u:" + secret + "@" + std::string(text), "x://h/?" + secret + std::string(text)}) {
    const auto checked = ficus::CheckStoreUrl(url);
    CHECK(!checked.has_value());
    CHECK(checked.error().message.find(secret) == std::string::npos) << url;
  }
  return 0;
}
