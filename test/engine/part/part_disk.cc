#include "test/engine/part/part_disk.h"

#include <utility>

#include <catch2/catch.hpp>

#include "engine/io/publish.h"

namespace ficus {

PartDisk::PartDisk() : fs(MemoryFileSystem::Create()) {
  REQUIRE(CreateDirectories(*fs, kShard).has_value());
}

PartOptions PartDisk::Options(uint64_t first_position, uint64_t last_position) {
  PartOptions options;
  options.number = FileNumber(++last_number);
  options.first_position = LogPosition(first_position);
  options.last_position = LogPosition(last_position);
  return options;
}

std::string PartDisk::PathOf(FileNumber number) const {
  return JoinPath(kShard, PartFileName(number));
}

std::shared_ptr<const Part> PartDisk::Write(const std::vector<RowBatch>& batches,
                                            const std::vector<SeriesEntry>& entries,
                                            PartOptions options) {
  auto writer = PartWriter::Create(*fs, random, kShard, options);
  REQUIRE(writer.has_value());
  for (const RowBatch& batch : batches) REQUIRE((*writer)->Add(batch).has_value());
  for (const SeriesEntry& entry : entries) REQUIRE((*writer)->AddSeriesEntry(entry).has_value());
  const auto info = (*writer)->Finish();
  INFO((info.has_value() ? "" : info.error().ToString()));
  REQUIRE(info.has_value());
  return Open(*info);
}

std::shared_ptr<const Part> PartDisk::Open(const PartInfo& info) {
  auto part = Part::Open(*fs, PathOf(info.number), &info, FileClass::kRecovery);
  INFO((part.has_value() ? "" : part.error().ToString()));
  REQUIRE(part.has_value());
  REQUIRE((*part)->info() == info);
  return *part;
}

std::shared_ptr<const MemPart> PartDisk::Mem(std::vector<RowBatch> batches,
                                             std::vector<SeriesEntry> entries, uint64_t position) {
  return MemPart::Create(std::move(batches), std::move(entries), LogPosition(position),
                         LogPosition(position), static_cast<int64_t>(position),
                         ledger.Account(MemoryConsumer::kMemParts, 1));
}

std::unique_ptr<RowCursor> PartDisk::Scan(const Part& part, const ScanRequest& request) {
  auto cursor = part.Scan(request, ledger);
  INFO((cursor.has_value() ? "" : cursor.error().ToString()));
  REQUIRE(cursor.has_value());
  return std::move(*cursor);
}

std::string PartDisk::ReadFile(const std::string& path) const {
  const auto bytes = ReadWholeFile(*fs, path, 1 << 30, FileClass::kTool);
  REQUIRE(bytes.has_value());
  return *bytes;
}

void PartDisk::WriteFile(const std::string& path, std::string_view bytes) {
  REQUIRE(PublishFile(*fs, random, path, bytes, FileClass::kTool).has_value());
}

std::vector<BlockHeader> HeadersOf(const Part& part) {
  std::vector<BlockHeader> headers;
  const auto blocks = part.ListBlocks(FileClass::kTool);
  REQUIRE(blocks.has_value());
  BlockHeader header;
  for (;;) {
    const auto found = (*blocks)->Next(header);
    REQUIRE(found.has_value());
    if (!*found) return headers;
    headers.push_back(header);
  }
}

}  // namespace ficus
