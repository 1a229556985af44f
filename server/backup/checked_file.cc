#include "server/backup/checked_file.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "engine/encoding/checksum.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

constexpr size_t kFooterBytesMax =
    kSectionsMax * kSectionRecordBytes + kFooterJsonBytesMax + kSectionFileTrailerBytes;

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Error WholeFile(uint64_t bytes, std::string_view what) { return BadRange(0, bytes, what); }

// Sees a file's bytes in order and finds out whether they are what the file says of itself.
class ByteCheck {
 public:
  virtual ~ByteCheck() = default;
  virtual void Take(std::string_view bytes) = 0;
  virtual Result<> Finish() = 0;
};

class WholeFileCheck final : public ByteCheck {
 public:
  explicit WholeFileCheck(const SnapshotFile& file) : file_(file) {}
  void Take(std::string_view bytes) override { checksum_ = Crc32c(bytes, checksum_); }
  Result<> Finish() override {
    if (checksum_ == file_.checksum) return Ok();
    return WholeFile(file_.size_bytes, "checksum mismatch");
  }

 private:
  const SnapshotFile& file_;
  uint32_t checksum_ = 0;
};

// Head, every section and the footer, which is parsed from the very bytes that go by.
class SectionCheck final : public ByteCheck {
 public:
  SectionCheck(const SectionFileKind& kind, SectionFooter footer)
      : kind_(kind), footer_(std::move(footer)), checksums_(footer_.sections.size(), 0) {}

  void Take(std::string_view bytes) override {
    const uint64_t begin = at_;
    at_ += bytes.size();
    KeepHead(bytes, begin);
    for (size_t i = 0; i < footer_.sections.size(); ++i) {
      const Section& section = footer_.sections[i];
      const uint64_t from = std::max(section.offset, begin);
      const uint64_t to = std::min(section.offset + section.bytes, at_);
      if (from >= to) continue;
      checksums_[i] = Crc32c(bytes.substr(from - begin, to - from), checksums_[i]);
    }
    if (at_ > footer_.offset) tail_ += bytes.substr(std::max(footer_.offset, begin) - begin);
  }

  Result<> Finish() override {
    if (head_ != SectionFileHead(kind_, footer_.number)) {
      return BadRange(0, kSectionFileHeadBytes, "head: not what the footer says");
    }
    for (size_t i = 0; i < footer_.sections.size(); ++i) {
      const Section& section = footer_.sections[i];
      if (checksums_[i] == section.checksum) continue;
      return BadRange(section.offset, section.bytes,
                      std::string(SectionName(section.kind)) + " section: checksum mismatch");
    }
    uint64_t missing = 0;
    auto footer = ParseFooter(kind_, tail_, footer_.file_bytes, missing);
    if (!footer || missing != 0 || footer->checksum != footer_.checksum) {
      return BadRange(footer_.offset, footer_.file_bytes - footer_.offset,
                      "footer: reads differently each time");
    }
    return Ok();
  }

 private:
  void KeepHead(std::string_view bytes, uint64_t begin) {
    if (begin >= kSectionFileHeadBytes) return;
    head_ += bytes.substr(0, kSectionFileHeadBytes - begin);
  }

  const SectionFileKind& kind_;
  const SectionFooter footer_;
  std::vector<uint32_t> checksums_;
  std::string head_;
  std::string tail_;
  uint64_t at_ = 0;
};

Result<std::unique_ptr<ByteCheck>> CheckOf(const SnapshotFile& file, File& opened) {
  if (!file.is_section_file) {
    return std::unique_ptr<ByteCheck>(std::make_unique<WholeFileCheck>(file));
  }
  const SectionFileKind& kind = EndsWith(file.path, ".idx") ? kIndexRunFile : kPartFile;
  ASSIGN_OR_RETURN(SectionFooter footer, ReadFooter(kind, opened));
  const uint64_t footer_bytes = footer.file_bytes - footer.offset;
  if (footer.checksum != file.checksum || footer_bytes > kFooterBytesMax) {
    return BadRange(footer.offset, footer_bytes, "footer: not the one of the snapshot");
  }
  return std::unique_ptr<ByteCheck>(std::make_unique<SectionCheck>(kind, std::move(footer)));
}

}  // namespace

Result<std::unique_ptr<CheckedFile>> CheckedFile::Open(HeldSnapshot& snapshot,
                                                       const CatalogSnapshot& catalog,
                                                       const SnapshotFile& file,
                                                       std::stop_token stop) {
  const std::string name = catalog.folder + "/" + file.path;
  auto checked = std::unique_ptr<CheckedFile>(new CheckedFile());
  auto read = [&]() -> Result<> {
    ASSIGN_OR_RETURN(checked->file_, snapshot.Open(catalog, file));
    ASSIGN_OR_RETURN(checked->size_bytes_, checked->file_->Size());
    if (checked->size_bytes_ != file.size_bytes) {
      return WholeFile(file.size_bytes,
                       "has " + std::to_string(checked->size_bytes_) + " bytes on the disk");
    }
    ASSIGN_OR_RETURN(const auto check, CheckOf(file, *checked->file_));
    Sha256Stream hash;
    std::string chunk;
    for (uint64_t at = 0; at < file.size_bytes; at += chunk.size()) {
      if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "cancelled"};
      chunk.resize(static_cast<size_t>(std::min<uint64_t>(kChunkBytes, file.size_bytes - at)));
      RETURN_IF_ERROR(checked->file_->ReadAt(at, chunk));
      hash.Update(chunk);
      check->Take(chunk);
      checked->checksums_.push_back(Crc32c(chunk));
    }
    checked->sha256_ = hash.Finish();
    return check->Finish();
  };
  auto done = read();
  if (!done) return std::move(done).error().With(name);
  return checked;
}

Result<> CheckedFile::ReadAt(uint64_t offset, std::span<char> out) const {
  if (offset > size_bytes_ || out.size() > size_bytes_ - offset) {
    return Error{ErrorCode::kIo, file_->path() + ": end of file at " + std::to_string(size_bytes_)};
  }
  const uint64_t end = offset + out.size();
  std::string chunk;
  for (uint64_t at = offset; at < end;) {
    const uint64_t index = at / kChunkBytes;
    const uint64_t begin = index * kChunkBytes;
    chunk.resize(static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size_bytes_ - begin)));
    RETURN_IF_ERROR(file_->ReadAt(begin, chunk));
    if (Crc32c(chunk) != checksums_[index]) {
      return BadRange(begin, chunk.size(), "reads differently each time").With(file_->path());
    }
    const uint64_t count = std::min(begin + chunk.size(), end) - at;
    std::memcpy(out.data() + (at - offset), chunk.data() + (at - begin), count);
    at += count;
  }
  if (on_read_) on_read_(end);
  return Ok();
}

}  // namespace ficus
