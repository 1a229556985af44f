#include "server/backup/put_once.h"

#include <optional>
#include <utility>

namespace ficus {
namespace {

constexpr int kTriesMax = 4;

struct Present {
  std::string text;
  std::string etag;
};

Result<std::optional<Present>> ReadPresent(ObjectStore& store, const std::string& key,
                                           uint64_t bytes_max, std::stop_token stop) {
  Present present;
  auto take = [&](std::string_view bytes) -> Result<> {
    if (present.text.size() + bytes.size() > bytes_max) {
      return Error{ErrorCode::kResourceExhausted, key + " is larger than any record"};
    }
    present.text += bytes;
    return Ok();
  };
  auto info = store.Get(key, std::nullopt, take, std::move(stop));
  if (!info && info.error().code == ErrorCode::kNotFound) return std::optional<Present>();
  if (!info) return std::move(info).error();
  present.etag = info->etag;
  return std::optional<Present>(std::move(present));
}

}  // namespace

IsOurRest IsCutShort(std::string_view text) {
  return [text](std::string_view present) {
    return present.size() < text.size() && text.substr(0, present.size()) == present;
  };
}

Result<> PutOnce(ObjectStore& store, const std::string& key, const std::string& text,
                 uint64_t bytes_max, const IsOurRest& is_our_rest, std::stop_token stop) {
  const bool conditional = store.abilities().conditional_put;
  PutCondition condition;
  if (conditional) condition.kind = PutCondition::Kind::kIfAbsent;
  Error error{ErrorCode::kIo, "put " + key + ": the store keeps other bytes than it is sent"};
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto put = store.Put(key, TextSource(text), condition, stop);
    if (!put) error = put.error().With("put " + key);
    const auto present = ReadPresent(store, key, bytes_max, stop);
    if (!present) return put ? present.error().With("read back " + key) : error;
    if (*present && (*present)->text == text) return Ok();
    if (!*present) {
      if (!put) return error;
      continue;
    }
    if (!is_our_rest((*present)->text)) {
      return Error{ErrorCode::kAlreadyExists, "put " + key + ": something else lies there"};
    }
    if (conditional) condition = {PutCondition::Kind::kIfMatch, (*present)->etag};
  }
  return error;
}

}  // namespace ficus
