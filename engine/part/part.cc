#include "engine/part/part.h"

#include <utility>

#include "engine/base/id.h"
#include "engine/part/file_part.h"

namespace ficus {
namespace {

constexpr std::string_view kSuffix = ".part";

Result<> HasEverySection(const SectionFooter& frame) {
  for (const SectionKind kind : {SectionKind::kData, SectionKind::kPrimary, SectionKind::kMeta,
                                 SectionKind::kEntities, SectionKind::kEntityIndex}) {
    if (frame.Find(kind) == nullptr) {
      return Error{ErrorCode::kCorruption,
                   "footer: there is no " + std::string(SectionName(kind)) + " section"};
    }
  }
  return Ok();
}

Result<std::shared_ptr<const Part>> OpenPart(FileSystem& fs, const std::string& path,
                                             const PartInfo* expected, FileClass file_class) {
  OpenOptions options;
  options.file_class = file_class;
  ASSIGN_OR_RETURN(const auto file, fs.Open(path, options));
  ASSIGN_OR_RETURN(SectionFooter frame, ReadFooter(kPartFile, *file));
  RETURN_IF_ERROR(HasEverySection(frame));
  ASSIGN_OR_RETURN(PartFooter footer, PartFooterFromJson(frame.json));
  footer.info.number = frame.number;
  footer.info.file_bytes = frame.file_bytes;
  footer.info.checksum = frame.checksum;
  if (expected != nullptr && footer.info != *expected) {
    return Error{ErrorCode::kCorruption, "the file is another one than the manifest names"};
  }
  FileNumber number;
  if (ParsePartFileName(BaseName(path), number) && number != footer.info.number) {
    return Error{ErrorCode::kCorruption,
                 "the file is part " + Hex16(footer.info.number) + " under another name"};
  }
  return std::shared_ptr<const Part>(
      std::make_shared<FilePart>(fs, path, std::move(frame), footer));
}

class OwnedEntries final : public EntryCursor {
 public:
  explicit OwnedEntries(std::vector<SeriesEntry> entries)
      : entries_(std::move(entries)), cursor_(CursorOver(entries_)) {}

  Result<bool> Next(SeriesEntry& entry) override { return cursor_->Next(entry); }

 private:
  const std::vector<SeriesEntry> entries_;
  const std::unique_ptr<EntryCursor> cursor_;
};

}  // namespace

Result<std::unique_ptr<EntryCursor>> Part::ListSeriesEntries(FileClass file_class) const {
  ASSIGN_OR_RETURN(std::vector<SeriesEntry> entries, ReadSeriesEntries(file_class));
  return std::unique_ptr<EntryCursor>(std::make_unique<OwnedEntries>(std::move(entries)));
}

Result<std::shared_ptr<const Part>> Part::Open(FileSystem& fs, const std::string& path,
                                               const PartInfo* expected, FileClass file_class) {
  auto part = OpenPart(fs, path, expected, file_class);
  if (part.has_value()) return part;
  return std::move(part).error().With("open part " + path);
}

std::string PartFileName(FileNumber number) { return Hex16(number) + std::string(kSuffix); }

bool ParsePartFileName(std::string_view name, FileNumber& number) {
  uint64_t value = 0;
  if (name.size() != 16 + kSuffix.size() || name.substr(16) != kSuffix ||
      !ParseHex16(name.substr(0, 16), value)) {
    return false;
  }
  number = FileNumber(value);
  return true;
}

}  // namespace ficus
