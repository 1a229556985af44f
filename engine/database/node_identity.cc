#include "engine/database/node_identity.h"

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

constexpr std::string_view kFile = "identity";
constexpr uint64_t kMagic = 0x31444e5353434946;  // "FICSSND1"
constexpr uint32_t kVersion = 1;
constexpr size_t kFileBytes = 8 + 4 + 8 + 8 + 8 + 4;

Error Corrupt(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("node identity: {}", what)};
}

}  // namespace

std::string EncodeNodeIdentity(const NodeIdentity& identity) {
  std::string bytes;
  PutLittle(bytes, kMagic);
  PutLittle(bytes, kVersion);
  PutLittle(bytes, identity.node_id);
  PutLittle(bytes, identity.log.value());
  PutLittle(bytes, identity.created_at);
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

Result<NodeIdentity> DecodeNodeIdentity(std::string_view bytes) {
  if (bytes.size() != kFileBytes) return Corrupt("of another size");
  const std::string_view checked = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("checksum mismatch");
  }
  ByteReader reader(checked);
  uint64_t magic = 0;
  uint32_t version = 0;
  uint64_t log = 0;
  NodeIdentity identity;
  reader.ReadLittle(magic);
  reader.ReadLittle(version);
  reader.ReadLittle(identity.node_id);
  reader.ReadLittle(log);
  reader.ReadLittle(identity.created_at);
  if (magic != kMagic) return Corrupt("of another kind");
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion, fmt::format("node identity: version {}", version)};
  }
  if (!reader.AtEnd() || identity.node_id == 0 || log == 0) return Corrupt("no identity");
  identity.log = LogId(log);
  return identity;
}

Result<std::optional<NodeIdentity>> ReadNodeIdentity(FileSystem& fs) {
  Result<std::string> bytes = ReadWholeFile(fs, kFile, kFileBytes, FileClass::kRecovery);
  if (!bytes.has_value()) {
    if (bytes.error().code == ErrorCode::kNotFound) return std::optional<NodeIdentity>();
    return std::move(bytes).error();
  }
  ASSIGN_OR_RETURN(NodeIdentity identity, DecodeNodeIdentity(*bytes));
  return std::optional<NodeIdentity>(identity);
}

Result<> WriteNodeIdentity(FileSystem& fs, RandomSource& random, const NodeIdentity& identity) {
  return PublishFile(fs, random, kFile, EncodeNodeIdentity(identity), FileClass::kManifest);
}

}  // namespace ficus
