// The tag values that identify a series, its key, its id and its shard, bit for bit as BanyanDB
// computes them.
//
// Source: BanyanDB's public behaviour: pkg/pb/v1 (series key) and pkg/partition (routing).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/model/tag_value.h"

namespace ficus {

// subject, escaped, then '|'; for each value one type byte, the escaped value, '|'. Escape is '\'
// for '|' and '\'. Type bytes: 0 null, 1 string, 2 int, 4 binary. An int is its zigzag form in 8
// bytes big-endian. kInvalidArgument: arrays, floats and timestamps, which no entity can hold.
Result<std::string> EncodeSeriesKey(std::string_view subject, const std::vector<TagValue>& entity);

// The inverse: the entity's values without the subject. kCorruption when `key` was not made by
// EncodeSeriesKey. An empty string (or binary) comes back as null, as in BanyanDB.
struct DecodedSeriesKey {
  std::string subject;
  std::vector<TagValue> entity;
};
Result<DecodedSeriesKey> DecodeSeriesKey(std::string_view key);

// The same keys piece by piece, for a caller that has bytes instead of TagValues: the subject, then
// each value.
void AppendKeySubject(std::string& key, std::string_view subject);
void AppendKeyNull(std::string& key);
void AppendKeyString(std::string& key, std::string_view value);
void AppendKeyInt(std::string& key, int64_t value);
void AppendKeyBinary(std::string& key, std::string_view value);

// xxhash64, seed 0, of the series key.
SeriesId SeriesIdOf(std::string_view series_key);
// A second, independent hash of the series key (XXH3 with a seed of its own): two keys with one id
// are told apart by it.
uint64_t SeriesCheckOf(std::string_view series_key);

// xxhash64 of the plain concatenation: subject, then each value, modulo the number of shards
// (at least one, CHECKed). Strings and binary raw; an int, or a timestamp's nanoseconds, as 8 bytes
// big-endian with the sign bit flipped; null nothing; elements of a string array joined by '\n',
// those of an int array one after another. A float, which no tag can be, as its bits big-endian.
ShardId ShardOf(std::string_view subject, const std::vector<TagValue>& sharding_values,
                uint32_t shard_count);

// The hash behind it, of the concatenated bytes; the shard is its remainder. AppendShardInt appends
// an int (or the nanoseconds of a timestamp) to them; other values are appended as said above.
uint64_t ShardHashOf(std::string_view shard_bytes);
void AppendShardInt(std::string& shard_bytes, int64_t value);

}  // namespace ficus
