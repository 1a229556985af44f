// What a file snapshot of the node holds: one log position, one folder per catalog, every file.
//
//     <root>/<folder>/snapshots/<name>/...     hard links of immutable files, and manifests
//     <root>/snapshots/<id>.contents           this list, written last: without it there is no
//                                              snapshot
//
// Layout of the list: FILE-FORMAT.md, "Snapshot contents".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/result.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"

namespace ficus {

struct SnapshotFile {
  // Below the catalog's snapshot folder: "sw_metric/seg-20261120/shard-0/000000000000002a.part".
  std::string path;
  uint64_t size_bytes = 0;
  // CRC-32C of the whole file for small files (identities, manifests, segment metadata); for
  // sections files (parts, index runs) the checksum of the footer, which covers the checksums of
  // all sections.
  uint32_t checksum = 0;
  bool is_section_file = false;
  friend bool operator==(const SnapshotFile&, const SnapshotFile&) = default;
};

struct SnapshotGroup {
  std::string name;
  GroupId id;
  friend bool operator==(const SnapshotGroup&, const SnapshotGroup&) = default;
};

struct CatalogSnapshot {
  // BanyanDB's folder: "measure", "stream", "property", "trace", "schema-property".
  std::string folder;
  Catalog catalog = Catalog::kMeasure;  // kProperty for "schema-property"
  std::string name;                     // "20261120093015-0000002A"
  std::vector<SnapshotGroup> groups;    // by name; one without files is listed, too
  std::vector<SnapshotFile> files;      // by path
  // Why something of this catalog is missing; empty when nothing is.
  std::string error;
  friend bool operator==(const CatalogSnapshot&, const CatalogSnapshot&) = default;
};

struct SnapshotContents {
  std::string id;  // of the whole: the name that all catalogs of it share where they can
  uint64_t node_id = 0;
  LogId log;
  LogPosition position;  // rows up to it are in, later ones are not
  Scn scn;               // no row in it has a higher one
  UnixNanos taken_at = 0;
  bool whole_node = true;                 // no group or catalog was left out by the request
  std::vector<CatalogSnapshot> catalogs;  // schema-property, property, measure, stream, trace
  friend bool operator==(const SnapshotContents&, const SnapshotContents&) = default;
};

inline constexpr uint64_t kSnapshotContentsBytesMax = uint64_t{256} << 20;

std::string EncodeSnapshotContents(const SnapshotContents& contents);
// kCorruption for foreign bytes, kUnsupportedVersion for a later version.
Result<SnapshotContents> DecodeSnapshotContents(std::string_view bytes);

// "<folder>/snapshots/<name>", with "/data" behind it for "property" and "schema-property" as
// BanyanDB has it: where the paths of the catalog's files begin.
std::string SnapshotFolder(const CatalogSnapshot& catalog);

}  // namespace ficus
