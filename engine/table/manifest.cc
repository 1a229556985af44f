#include "engine/table/manifest.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/planted_bug.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

constexpr uint64_t kMagic = 0x31504e5353434946;  // "FICSSNP1"
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8;  // magic, version, required features, payload bytes
constexpr size_t kTrailerBytes = 4;             // CRC-32C over header and payload
constexpr std::string_view kSuffix = ".snp";
constexpr size_t kReasonBytesMax = 4096;
constexpr size_t kObsoleteNameBytesMax = 64;
// Least bytes of a list entry: a bound for counts read from disk.
constexpr size_t kPartBytes = 8 * 9 + 4 * 2 + 1;
constexpr size_t kRunBytes = 8 * 3 + 4;

Error Corrupt(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("manifest: {}", what)};
}

void PutPart(std::string& out, const PartInfo& part) {
  PutLittle(out, part.number.value());
  PutLittle(out, part.file_bytes);
  PutLittle(out, part.checksum);
  PutLittle(out, part.rows);
  PutLittle(out, part.blocks);
  PutLittle(out, part.series);
  PutLittle(out, part.times.begin);
  PutLittle(out, part.times.end);
  PutLittle(out, part.first_position.value());
  PutLittle(out, part.last_position.value());
  PutLittle(out, part.generation);
  PutLittle<uint8_t>(out, part.has_tombstones ? 1 : 0);
}

template <typename IdType>
bool ReadId(ByteReader& reader, IdType& id) {
  typename IdType::Integer value = 0;
  if (!reader.ReadLittle(value)) return false;
  id = IdType(value);
  return true;
}

bool ReadPart(ByteReader& reader, PartInfo& part) {
  uint8_t tombstones = 0;
  const bool read = ReadId(reader, part.number) && reader.ReadLittle(part.file_bytes) &&
                    reader.ReadLittle(part.checksum) && reader.ReadLittle(part.rows) &&
                    reader.ReadLittle(part.blocks) && reader.ReadLittle(part.series) &&
                    reader.ReadLittle(part.times.begin) && reader.ReadLittle(part.times.end) &&
                    ReadId(reader, part.first_position) && ReadId(reader, part.last_position) &&
                    reader.ReadLittle(part.generation) && reader.ReadLittle(tombstones);
  part.has_tombstones = tombstones != 0;
  return read && tombstones <= 1;
}

void PutRun(std::string& out, const IndexRunInfo& run) {
  PutLittle(out, run.number.value());
  PutLittle(out, run.file_bytes);
  PutLittle(out, run.checksum);
  PutLittle(out, run.entries);
}

bool ReadRun(ByteReader& reader, IndexRunInfo& run) {
  return ReadId(reader, run.number) && reader.ReadLittle(run.file_bytes) &&
         reader.ReadLittle(run.checksum) && reader.ReadLittle(run.entries);
}

void PutDamage(std::string& out, const DamageRecord& damage) {
  PutLittle(out, damage.number.value());
  PutLittle<uint8_t>(out, damage.is_index ? 1 : 0);
  PutLittle(out, damage.times.begin);
  PutLittle(out, damage.times.end);
  PutLengthPrefixed(out, std::string_view(damage.reason).substr(0, kReasonBytesMax));
}

bool ReadDamage(ByteReader& reader, DamageRecord& damage) {
  uint8_t is_index = 0;
  std::string_view reason;
  if (!ReadId(reader, damage.number) || !reader.ReadLittle(is_index) ||
      !reader.ReadLittle(damage.times.begin) || !reader.ReadLittle(damage.times.end) ||
      !reader.ReadLengthPrefixed(reason)) {
    return false;
  }
  damage.is_index = is_index != 0;
  damage.reason = reason;
  return is_index <= 1 && reason.size() <= kReasonBytesMax;
}

// Reads a counted list; `entry_bytes_min` bounds the count by what is left.
template <typename T, typename Read>
bool ReadList(ByteReader& reader, size_t entry_bytes_min, std::vector<T>& list, Read read) {
  uint64_t count = 0;
  if (!reader.ReadVarintAtMost(reader.remaining() / entry_bytes_min, count)) return false;
  list.resize(count);
  return std::all_of(list.begin(), list.end(), [&](T& entry) { return read(reader, entry); });
}

bool ReadName(ByteReader& reader, std::string& name) {
  std::string_view bytes;
  if (!reader.ReadLengthPrefixed(bytes) || bytes.empty() || bytes.size() > kObsoleteNameBytesMax) {
    return false;
  }
  name = bytes;
  return CheckRelativePath(bytes).has_value() && bytes.find('/') == std::string_view::npos;
}

Result<Manifest> DecodePayload(std::string_view payload) {
  Manifest manifest;
  ByteReader reader(payload);
  const bool read = ReadId(reader, manifest.epoch) && ReadId(reader, manifest.group) &&
                    ReadId(reader, manifest.log) && ReadId(reader, manifest.flushed) &&
                    ReadId(reader, manifest.scn) && ReadId(reader, manifest.next_file) &&
                    ReadList(reader, kPartBytes, manifest.parts, ReadPart) &&
                    ReadList(reader, kRunBytes, manifest.runs, ReadRun) &&
                    ReadList(reader, 1 + 8 * 3 + 1, manifest.damaged, ReadDamage) &&
                    ReadList(reader, 2, manifest.obsolete, ReadName);
  if (!read || !reader.AtEnd()) return Corrupt("its fields do not fill it");
  for (const PartInfo& part : manifest.parts) {
    if (part.number >= manifest.next_file) return Corrupt("a part's number was never given");
  }
  for (const IndexRunInfo& run : manifest.runs) {
    if (run.number >= manifest.next_file) return Corrupt("a run's number was never given");
  }
  return manifest;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string payload;
  PutLittle(payload, manifest.epoch.value());
  PutLittle(payload, manifest.group.value());
  PutLittle(payload, manifest.log.value());
  PutLittle(payload, manifest.flushed.value());
  PutLittle(payload, manifest.scn.value());
  PutLittle(payload, manifest.next_file.value());
  PutVarint(payload, manifest.parts.size());
  for (const PartInfo& part : manifest.parts) PutPart(payload, part);
  PutVarint(payload, manifest.runs.size());
  for (const IndexRunInfo& run : manifest.runs) PutRun(payload, run);
  PutVarint(payload, manifest.damaged.size());
  for (const DamageRecord& damage : manifest.damaged) PutDamage(payload, damage);
  PutVarint(payload, manifest.obsolete.size());
  for (const std::string& name : manifest.obsolete) PutLengthPrefixed(payload, name);

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

Result<Manifest> DecodeManifest(std::string_view bytes) {
  ByteReader reader(bytes);
  uint64_t magic = 0;
  uint32_t version = 0;
  uint32_t features = 0;
  uint64_t payload_bytes = 0;
  if (!reader.ReadLittle(magic) || magic != kMagic) return Corrupt("no manifest starts like this");
  if (!reader.ReadLittle(version) || !reader.ReadLittle(features)) return Corrupt("cut short");
  if (bytes.size() < kHeaderBytes + kTrailerBytes) return Corrupt("cut short");
  const std::string_view checked = bytes.substr(0, bytes.size() - kTrailerBytes);
  if (LoadLittle<uint32_t>(bytes.data() + checked.size()) != Crc32c(checked)) {
    return Corrupt("checksum mismatch");
  }
  // Only after the checksum: a flipped bit is damage, not a newer version.
  if (version != kVersion || features != 0) {
    return Error{ErrorCode::kUnsupportedVersion,
                 fmt::format("manifest: version {} with features {:#x}", version, features)};
  }
  if (!reader.ReadLittle(payload_bytes) || payload_bytes != checked.size() - kHeaderBytes) {
    return Corrupt("its length is not its size");
  }
  return DecodePayload(checked.substr(kHeaderBytes));
}

std::string ManifestFileName(Epoch epoch) { return Hex16(epoch) + std::string(kSuffix); }

bool ParseManifestFileName(std::string_view name, Epoch& epoch) {
  uint64_t value = 0;
  if (!name.ends_with(kSuffix)) return false;
  if (!ParseHex16(name.substr(0, name.size() - kSuffix.size()), value)) return false;
  epoch = Epoch(value);
  return true;
}

Result<> WriteManifest(FileSystem& fs, RandomSource& random, std::string_view directory,
                       const Manifest& manifest) {
  return PublishFile(fs, random, JoinPath(directory, ManifestFileName(manifest.epoch)),
                     EncodeManifest(manifest), FileClass::kManifest);
}

Result<ManifestReading> ReadNewestManifest(FileSystem& fs, std::string_view directory) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs.List(directory));
  std::vector<Epoch> epochs;
  for (const DirectoryEntry& entry : entries) {
    Epoch epoch;
    if (ParseManifestFileName(entry.name, epoch)) epochs.push_back(epoch);
  }
  std::sort(epochs.rbegin(), epochs.rend());
  if (IsPlanted(PlantedBug::kRecoveryTakesOlderManifest)) std::sort(epochs.begin(), epochs.end());

  ManifestReading reading;
  for (const Epoch epoch : epochs) {
    if (reading.found) {
      reading.older.push_back(epoch);
      continue;
    }
    const std::string path = JoinPath(directory, ManifestFileName(epoch));
    Result<std::string> bytes = ReadWholeFile(fs, path, kManifestBytesMax, FileClass::kRecovery);
    Result<Manifest> manifest =
        bytes.has_value() ? DecodeManifest(*bytes) : Result<Manifest>(bytes.error());
    if (manifest.has_value() && manifest->epoch != epoch) {
      manifest = Corrupt("its epoch is not its name");
    }
    // Short of memory or descriptors says nothing about the file: the start is tried again.
    if (!manifest.has_value() && manifest.error().code == ErrorCode::kResourceExhausted) {
      return std::move(manifest).error().With(path);
    }
    if (manifest.has_value()) {
      reading.found = true;
      reading.manifest = *std::move(manifest);
    } else if (!reading.hole) {
      reading.hole = std::move(manifest).error().With(path);
    }
  }
  return reading;
}

}  // namespace ficus
