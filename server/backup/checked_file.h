// A local file on its way into the store: verified against its own checksums and hashed before the
// first byte is sent, and each byte that is sent compared with what was hashed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/backup/sha256.h"
#include "server/backup/snapshot_source.h"
#include "server/remote/object_store.h"

namespace ficus {

// Holds one chunk while it is opened and 4 bytes for each chunk of the file afterwards. ReadAt: any
// thread; the others: one.
class CheckedFile final : public ObjectSource {
 public:
  static constexpr size_t kChunkBytes = 256 << 10;

  // Reads the whole file. kCorruption names the file and the range of bytes that is damaged:
  // "measure/g/seg-20261120/shard-0/2a.part: bytes [16, 48): data section: checksum mismatch".
  static Result<std::unique_ptr<CheckedFile>> Open(HeldSnapshot& snapshot,
                                                   const CatalogSnapshot& catalog,
                                                   const SnapshotFile& file, std::stop_token stop);

  const Sha256& sha256() const { return sha256_; }
  uint64_t size_bytes() const override { return size_bytes_; }
  // kCorruption when the disk gives other bytes than before.
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override;
  // Called from ReadAt with the end of what was read.
  void OnRead(std::function<void(uint64_t end)> on_read) { on_read_ = std::move(on_read); }

 private:
  CheckedFile() = default;

  std::unique_ptr<File> file_;
  uint64_t size_bytes_ = 0;
  Sha256 sha256_{};
  std::vector<uint32_t> checksums_;  // CRC-32C of each chunk
  std::function<void(uint64_t)> on_read_;
};

}  // namespace ficus
