#include "engine/model/entity.h"

#include <array>
#include <bit>
#include <type_traits>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr char kDelimiter = '|';
constexpr char kEscape = '\\';

// Type bytes of the key. The others that BanyanDB knows cannot be part of an entity.
constexpr char kNullByte = 0;
constexpr char kStringByte = 1;
constexpr char kIntByte = 2;
constexpr char kBinaryByte = 4;

// Any value but 0, so that this hash and a plain XXH3 of the same key are unrelated.
constexpr uint64_t kCheckSeed = 0x66696375736b6579;

void AppendEscaped(std::string& key, std::string_view value) {
  // Two runs of memchr are faster than one search for either byte.
  if (value.find(kDelimiter) == std::string_view::npos &&
      value.find(kEscape) == std::string_view::npos) {
    key.append(value);
  } else {
    for (const char byte : value) {
      if (byte == kDelimiter || byte == kEscape) key.push_back(kEscape);
      key.push_back(byte);
    }
  }
  key.push_back(kDelimiter);
}

// Takes an escaped value and its delimiter from the front of `rest`.
bool TakeEscaped(std::string_view& rest, std::string& value) {
  value.clear();
  for (size_t i = 0; i < rest.size(); ++i) {
    char byte = rest[i];
    if (byte == kDelimiter) {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (byte == kEscape) {
      if (++i == rest.size()) return false;
      byte = rest[i];
      if (byte != kDelimiter && byte != kEscape) return false;
    }
    value.push_back(byte);
  }
  return false;
}

std::array<char, 8> BigEndian(uint64_t value) {
  std::array<char, 8> bytes;
  StoreLittle(bytes.data(), __builtin_bswap64(value));
  return bytes;
}

void AppendBigEndian(std::string& out, uint64_t value) {
  const auto bytes = BigEndian(value);
  out.append(bytes.data(), bytes.size());
}

// Bytes that compare as the integers do.
void AppendOrdered(std::string& out, int64_t value) {
  AppendBigEndian(out, static_cast<uint64_t>(value) ^ uint64_t{1} << 63);
}

// False when an entity cannot hold the value.
bool AppendKeyValue(std::string& key, const TagValue& value) {
  if (std::holds_alternative<Null>(value)) {
    AppendKeyNull(key);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    AppendKeyString(key, *text);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    AppendKeyInt(key, *number);
  } else if (const auto* binary = std::get_if<Binary>(&value)) {
    AppendKeyBinary(key, binary->bytes);
  } else {
    return false;
  }
  return true;
}

bool TakeKeyValue(std::string_view& rest, TagValue& value) {
  const char type = rest.front();
  rest.remove_prefix(1);
  std::string bytes;
  if (!TakeEscaped(rest, bytes)) return false;
  switch (type) {
    case kNullByte:
      value = Null{};
      return bytes.empty();
    case kStringByte:
      value = bytes.empty() ? TagValue(Null{}) : TagValue(std::move(bytes));
      return true;
    case kIntByte:
      if (bytes.size() != 8) return false;
      value = UnZigZag(__builtin_bswap64(LoadLittle<uint64_t>(bytes.data())));
      return true;
    case kBinaryByte:
      value = bytes.empty() ? TagValue(Null{}) : TagValue(Binary{std::move(bytes)});
      return true;
    default:
      return false;
  }
}

struct ShardKeyAppender {
  std::string& key;

  void operator()(const Null&) const {}
  void operator()(const std::string& value) const { key += value; }
  void operator()(int64_t value) const { AppendOrdered(key, value); }
  void operator()(double value) const { AppendBigEndian(key, std::bit_cast<uint64_t>(value)); }
  void operator()(const Binary& value) const { key += value.bytes; }
  void operator()(const std::vector<std::string>& values) const {
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) key.push_back('\n');
      key += values[i];
    }
  }
  void operator()(const std::vector<int64_t>& values) const {
    for (const int64_t value : values) AppendOrdered(key, value);
  }
  void operator()(const Timestamp& value) const { AppendOrdered(key, value.nanos); }
};

}  // namespace

void AppendKeySubject(std::string& key, std::string_view subject) { AppendEscaped(key, subject); }

void AppendKeyNull(std::string& key) {
  key.push_back(kNullByte);
  key.push_back(kDelimiter);
}

void AppendKeyString(std::string& key, std::string_view value) {
  key.push_back(kStringByte);
  AppendEscaped(key, value);
}

void AppendKeyInt(std::string& key, int64_t value) {
  key.push_back(kIntByte);
  const auto bytes = BigEndian(ZigZag(value));
  AppendEscaped(key, {bytes.data(), bytes.size()});
}

void AppendKeyBinary(std::string& key, std::string_view value) {
  key.push_back(kBinaryByte);
  AppendEscaped(key, value);
}

Result<std::string> EncodeSeriesKey(std::string_view subject, const std::vector<TagValue>& entity) {
  std::string key;
  AppendKeySubject(key, subject);
  for (const TagValue& value : entity) {
    if (!AppendKeyValue(key, value)) {
      return Error{ErrorCode::kInvalidArgument, "an entity cannot hold the value " + ToText(value) +
                                                    ": only strings, integers, binary and null"};
    }
  }
  return key;
}

Result<DecodedSeriesKey> DecodeSeriesKey(std::string_view key) {
  DecodedSeriesKey decoded;
  std::string_view rest = key;
  if (!TakeEscaped(rest, decoded.subject)) {
    return Error{ErrorCode::kCorruption, "series key: subject without end"};
  }
  while (!rest.empty()) {
    const size_t offset = key.size() - rest.size();
    TagValue value;
    if (!TakeKeyValue(rest, value)) {
      return Error{ErrorCode::kCorruption,
                   "series key: bad entity value at byte " + std::to_string(offset)};
    }
    decoded.entity.push_back(std::move(value));
  }
  return decoded;
}

SeriesId SeriesIdOf(std::string_view series_key) {
  return SeriesId(XXH64(series_key.data(), series_key.size(), 0));
}

uint64_t SeriesCheckOf(std::string_view series_key) {
  return XXH3_64bits_withSeed(series_key.data(), series_key.size(), kCheckSeed);
}

ShardId ShardOf(std::string_view subject, const std::vector<TagValue>& sharding_values,
                uint32_t shard_count) {
  CHECK(shard_count > 0);
  std::string key(subject);
  for (const TagValue& value : sharding_values) std::visit(ShardKeyAppender{key}, value);
  return ShardId(static_cast<uint32_t>(ShardHashOf(key) % shard_count));
}

uint64_t ShardHashOf(std::string_view shard_bytes) {
  return XXH64(shard_bytes.data(), shard_bytes.size(), 0);
}

void AppendShardInt(std::string& shard_bytes, int64_t value) { AppendOrdered(shard_bytes, value); }

}  // namespace ficus
