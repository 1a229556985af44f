#include "engine/segment/identity.h"

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/model/names.h"

namespace ficus {
namespace {

constexpr uint64_t kGroupMagic = 0x3150475353434946;    // "FICSSGP1"
constexpr uint64_t kSegmentMagic = 0x3147535353434946;  // "FICSSSG1"
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksumBytes = 4;

std::string Begin(uint64_t magic) {
  std::string bytes;
  PutLittle(bytes, magic);
  PutLittle(bytes, kVersion);
  return bytes;
}

std::string Sealed(std::string bytes) {
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

Error Corrupt(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("identity file: {}", what)};
}

// The fields between version and checksum.
Result<std::string_view> Unsealed(std::string_view bytes, uint64_t magic) {
  constexpr size_t kHeaderBytes = sizeof(uint64_t) + sizeof(uint32_t);
  if (bytes.size() < kHeaderBytes + kChecksumBytes) return Corrupt("cut short");
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("checksum mismatch");
  }
  if (LoadLittle<uint64_t>(bytes.data()) != magic) return Corrupt("of another kind");
  const auto version = LoadLittle<uint32_t>(bytes.data() + sizeof(uint64_t));
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion, fmt::format("identity file: version {}", version)};
  }
  return checked.substr(kHeaderBytes);
}

}  // namespace

std::string EncodeGroupIdentity(const GroupIdentity& identity) {
  std::string bytes = Begin(kGroupMagic);
  PutLittle(bytes, identity.id.value());
  PutLittle(bytes, static_cast<uint8_t>(identity.catalog));
  PutLittle(bytes, identity.shard_count);
  PutLengthPrefixed(bytes, identity.name);
  return Sealed(std::move(bytes));
}

std::string EncodeSegmentIdentity(const SegmentIdentity& identity) {
  std::string bytes = Begin(kSegmentMagic);
  PutLittle(bytes, identity.group.value());
  PutLittle(bytes, identity.incarnation);
  PutLittle(bytes, identity.times.begin);
  PutLittle(bytes, identity.times.end);
  PutLittle(bytes, identity.shard_count);
  return Sealed(std::move(bytes));
}

Result<GroupIdentity> DecodeGroupIdentity(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view fields, Unsealed(bytes, kGroupMagic));
  ByteReader reader(fields);
  uint64_t id = 0;
  uint8_t catalog = 0;
  uint32_t shard_count = 0;
  std::string_view name;
  reader.ReadLittle(id);
  reader.ReadLittle(catalog);
  reader.ReadLittle(shard_count);
  reader.ReadLengthPrefixed(name);
  if (!reader.AtEnd() || id == 0 || catalog < 1 || catalog > 4 || shard_count < 1 ||
      shard_count > kShardCountMax || name.empty() || name.size() > kNameBytesMax) {
    return Corrupt("no group identity");
  }
  return GroupIdentity{GroupId(id), static_cast<Catalog>(catalog), shard_count, std::string(name)};
}

Result<SegmentIdentity> DecodeSegmentIdentity(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view fields, Unsealed(bytes, kSegmentMagic));
  ByteReader reader(fields);
  uint64_t group = 0;
  SegmentIdentity identity;
  reader.ReadLittle(group);
  reader.ReadLittle(identity.incarnation);
  reader.ReadLittle(identity.times.begin);
  reader.ReadLittle(identity.times.end);
  reader.ReadLittle(identity.shard_count);
  identity.group = GroupId(group);
  if (!reader.AtEnd() || group == 0 || identity.incarnation == 0 || identity.times.empty() ||
      identity.shard_count < 1 || identity.shard_count > kShardCountMax) {
    return Corrupt("no segment identity");
  }
  return identity;
}

}  // namespace ficus
