// Short words for tests of object stores: each requires that the store does as asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "server/remote/object_store.h"

namespace ficus {

inline ObjectInfo Put(ObjectStore& store, std::string_view key, std::string_view text,
                      const PutCondition& condition = {}) {
  const auto info = store.Put(key, TextSource(text), condition, {});
  INFO("put " << key << (info.has_value() ? "" : ": " + info.error().ToString()));
  REQUIRE(info.has_value());
  return *info;
}

inline PutCondition IfAbsent() { return {PutCondition::Kind::kIfAbsent, ""}; }
inline PutCondition IfMatch(std::string etag) {
  return {PutCondition::Kind::kIfMatch, std::move(etag)};
}

// None when there is no such object.
inline std::optional<std::string> Get(ObjectStore& store, std::string_view key) {
  const auto text = GetText(store, key, uint64_t{1} << 30, {});
  if (!text && text.error().code == ErrorCode::kNotFound) return std::nullopt;
  INFO("get " << key << (text.has_value() ? "" : ": " + text.error().ToString()));
  REQUIRE(text.has_value());
  return *text;
}

inline std::optional<ObjectInfo> Head(ObjectStore& store, std::string_view key) {
  const auto info = store.Head(key, {});
  if (!info && info.error().code == ErrorCode::kNotFound) return std::nullopt;
  INFO("head " << key << (info.has_value() ? "" : ": " + info.error().ToString()));
  REQUIRE(info.has_value());
  return *info;
}

inline void Delete(ObjectStore& store, const std::vector<std::string>& keys) {
  const auto deleted = store.Delete(keys, {});
  INFO((deleted.has_value() ? "" : deleted.error().ToString()));
  REQUIRE(deleted.has_value());
}

inline std::vector<std::string> Keys(ObjectStore& store, std::string prefix = "") {
  std::vector<std::string> keys;
  const auto listed = ListAll(store, {.prefix = std::move(prefix), .start_after = ""},
                              [&](const ObjectInfo& object) {
                                keys.push_back(object.key);
                                return true;
                              },
                              {});
  INFO((listed.has_value() ? "" : listed.error().ToString()));
  REQUIRE(listed.has_value());
  return keys;
}

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  REQUIRE(!result.has_value());
  return result.error().code;
}

template <typename T>
std::string TextOf(const Result<T>& result) {
  REQUIRE(!result.has_value());
  return result.error().message;
}

}  // namespace ficus
