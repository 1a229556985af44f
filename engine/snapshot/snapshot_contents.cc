#include "engine/snapshot/snapshot_contents.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/file_system.h"
#include "engine/model/names.h"
#include "engine/snapshot/snapshot_name.h"

namespace ficus {
namespace {

constexpr uint64_t kMagic = 0x3143535353434946;  // "FICSSSC1"
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8;  // magic, version, required features, payload bytes
constexpr size_t kTrailerBytes = 4;             // CRC-32C over header and payload
constexpr size_t kErrorBytesMax = 64 << 10;
// Least bytes of a list entry: a bound for counts read from disk.
constexpr size_t kFileBytesMin = 1 + 1 + 8 + 4 + 1;
constexpr size_t kGroupBytesMin = 1 + 1 + 8;
constexpr size_t kCatalogBytesMin = 1 + 1 + 1 + 1 + 1 + 1 + 1;

Error Corrupt(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("snapshot contents: {}", what)};
}

void PutFile(std::string& out, const SnapshotFile& file) {
  PutLengthPrefixed(out, file.path);
  PutLittle(out, file.size_bytes);
  PutLittle(out, file.checksum);
  PutLittle<uint8_t>(out, file.is_section_file ? 1 : 0);
}

void PutCatalog(std::string& out, const CatalogSnapshot& catalog) {
  PutLengthPrefixed(out, catalog.folder);
  PutLittle(out, static_cast<uint8_t>(catalog.catalog));
  PutLengthPrefixed(out, catalog.name);
  PutLengthPrefixed(out, std::string_view(catalog.error).substr(0, kErrorBytesMax));
  PutVarint(out, catalog.groups.size());
  for (const SnapshotGroup& group : catalog.groups) {
    PutLengthPrefixed(out, group.name);
    PutLittle(out, group.id.value());
  }
  PutVarint(out, catalog.files.size());
  for (const SnapshotFile& file : catalog.files) PutFile(out, file);
}

bool ReadText(ByteReader& reader, size_t bytes_max, std::string& text) {
  std::string_view bytes;
  if (!reader.ReadLengthPrefixed(bytes) || bytes.size() > bytes_max) return false;
  text = bytes;
  return true;
}

template <typename IdType>
bool ReadId(ByteReader& reader, IdType& id) {
  typename IdType::Integer value = 0;
  if (!reader.ReadLittle(value)) return false;
  id = IdType(value);
  return true;
}

// Reads a counted list; `entry_bytes_min` bounds the count by what is left.
template <typename T, typename Read>
bool ReadList(ByteReader& reader, size_t entry_bytes_min, std::vector<T>& list, Read read) {
  uint64_t count = 0;
  if (!reader.ReadVarintAtMost(reader.remaining() / entry_bytes_min, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    T entry;
    if (!read(reader, entry)) return false;
    list.push_back(std::move(entry));
  }
  return true;
}

bool ReadFlag(ByteReader& reader, bool& flag) {
  uint8_t value = 0;
  if (!reader.ReadLittle(value) || value > 1) return false;
  flag = value == 1;
  return true;
}

bool ReadFile(ByteReader& reader, SnapshotFile& file) {
  return ReadText(reader, kPathBytesMax, file.path) && reader.ReadLittle(file.size_bytes) &&
         reader.ReadLittle(file.checksum) && ReadFlag(reader, file.is_section_file) &&
         CheckRelativePath(file.path).has_value();
}

bool ReadGroup(ByteReader& reader, SnapshotGroup& group) {
  return ReadText(reader, kNameBytesMax, group.name) && ReadId(reader, group.id) &&
         CheckName("group", group.name).has_value();
}

bool ReadCatalog(ByteReader& reader, CatalogSnapshot& catalog) {
  uint8_t number = 0;
  const bool read = ReadText(reader, kNameBytesMax, catalog.folder) && reader.ReadLittle(number) &&
                    ReadText(reader, kNameBytesMax, catalog.name) &&
                    ReadText(reader, kErrorBytesMax, catalog.error) &&
                    ReadList(reader, kGroupBytesMin, catalog.groups, ReadGroup) &&
                    ReadList(reader, kFileBytesMin, catalog.files, ReadFile);
  catalog.catalog = static_cast<Catalog>(number);
  return read && number >= 1 && number <= 4;
}

// Strictly ascending by `key`.
template <typename T, typename Key>
bool IsAscending(const std::vector<T>& list, Key key) {
  return std::adjacent_find(list.begin(), list.end(), [&](const T& a, const T& b) {
           return !(key(a) < key(b));
         }) == list.end();
}

Result<> CheckCatalog(const CatalogSnapshot& catalog) {
  if (SnapshotFolderRank(catalog.folder) < 0) return Corrupt("no catalog has this folder");
  const bool is_schema = catalog.folder == kSchemaSnapshotFolder;
  const std::string_view folder = SnapshotCatalogFolder(catalog.catalog);
  if (is_schema ? catalog.catalog != Catalog::kProperty : catalog.folder != folder) {
    return Corrupt("a catalog's folder belongs to another catalog");
  }
  if (!IsSnapshotName(catalog.name)) return Corrupt("a catalog's name is no snapshot name");
  const auto name = [](const SnapshotGroup& group) { return std::string_view(group.name); };
  const auto path = [](const SnapshotFile& file) { return std::string_view(file.path); };
  if (!IsAscending(catalog.groups, name)) return Corrupt("its groups are not in order");
  if (!IsAscending(catalog.files, path)) return Corrupt("its files are not in order");
  for (const SnapshotFile& file : catalog.files) {
    const std::string_view group = path(file).substr(0, path(file).find('/'));
    const auto found =
        std::lower_bound(catalog.groups.begin(), catalog.groups.end(), group,
                         [&](const SnapshotGroup& a, std::string_view b) { return name(a) < b; });
    if (found == catalog.groups.end() || found->name != group) {
      return Corrupt("a file belongs to no group");
    }
  }
  return Ok();
}

Result<SnapshotContents> DecodePayload(std::string_view payload) {
  SnapshotContents contents;
  ByteReader reader(payload);
  const bool read = ReadText(reader, kNameBytesMax, contents.id) &&
                    reader.ReadLittle(contents.node_id) && ReadId(reader, contents.log) &&
                    ReadId(reader, contents.position) && ReadId(reader, contents.scn) &&
                    reader.ReadLittle(contents.taken_at) && ReadFlag(reader, contents.whole_node) &&
                    ReadList(reader, kCatalogBytesMin, contents.catalogs, ReadCatalog);
  if (!read || !reader.AtEnd()) return Corrupt("its fields do not fill it");
  if (!IsSnapshotName(contents.id)) return Corrupt("its id is no snapshot name");
  const auto rank = [](const CatalogSnapshot& c) { return SnapshotFolderRank(c.folder); };
  for (const CatalogSnapshot& catalog : contents.catalogs) RETURN_IF_ERROR(CheckCatalog(catalog));
  if (!IsAscending(contents.catalogs, rank)) return Corrupt("its catalogs are not in order");
  return contents;
}

}  // namespace

std::string EncodeSnapshotContents(const SnapshotContents& contents) {
  std::string payload;
  PutLengthPrefixed(payload, contents.id);
  PutLittle(payload, contents.node_id);
  PutLittle(payload, contents.log.value());
  PutLittle(payload, contents.position.value());
  PutLittle(payload, contents.scn.value());
  PutLittle(payload, contents.taken_at);
  PutLittle<uint8_t>(payload, contents.whole_node ? 1 : 0);
  PutVarint(payload, contents.catalogs.size());
  for (const CatalogSnapshot& catalog : contents.catalogs) PutCatalog(payload, catalog);

  std::string bytes;
  bytes.reserve(kHeaderBytes + payload.size() + kTrailerBytes);
  PutLittle(bytes, kMagic);
  PutLittle(bytes, kVersion);
  PutLittle<uint32_t>(bytes, 0);
  PutLittle<uint64_t>(bytes, payload.size());
  bytes += payload;
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

Result<SnapshotContents> DecodeSnapshotContents(std::string_view bytes) {
  ByteReader reader(bytes);
  uint64_t magic = 0;
  uint32_t version = 0;
  uint32_t features = 0;
  uint64_t payload_bytes = 0;
  if (!reader.ReadLittle(magic) || magic != kMagic) {
    return Corrupt("no list of a snapshot starts like this");
  }
  if (bytes.size() < kHeaderBytes + kTrailerBytes) return Corrupt("cut short");
  const std::string_view checked = bytes.substr(0, bytes.size() - kTrailerBytes);
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("checksum mismatch");
  }
  reader.ReadLittle(version);
  reader.ReadLittle(features);
  reader.ReadLittle(payload_bytes);
  // Only after the checksum: a flipped bit is damage, not a newer version.
  if (version != kVersion || features != 0) {
    return Error{
        ErrorCode::kUnsupportedVersion,
        fmt::format("snapshot contents: version {} with features {:#x}", version, features)};
  }
  if (payload_bytes != checked.size() - kHeaderBytes) return Corrupt("its length is not its size");
  return DecodePayload(checked.substr(kHeaderBytes));
}

std::string SnapshotFolder(const CatalogSnapshot& catalog) {
  std::string folder = SnapshotTree(catalog.folder, catalog.name);
  if (catalog.catalog == Catalog::kProperty) folder += "/data";
  return folder;
}

}  // namespace ficus
