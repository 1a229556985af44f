// A part in a file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/part/part.h"
#include "engine/part/part_footer.h"
#include "engine/part/part_index.h"
#include "engine/part/section_file.h"

namespace ficus {

class FilePart final : public Part, public std::enable_shared_from_this<FilePart> {
 public:
  FilePart(FileSystem& fs, std::string path, SectionFooter frame, PartFooter footer);
  ~FilePart() override;

  const PartInfo& info() const override { return footer_.info; }
  const std::string& path() const override { return path_; }
  bool MayContain(const ScanRequest& request) const override;
  Result<std::unique_ptr<RowCursor>> Scan(ScanRequest request, MemoryLedger& ledger) const override;
  Result<std::unique_ptr<Blocks>> ListBlocks(FileClass file_class) const override;
  Result<RowBatch> ReadBlock(const BlockHeader& header, FileClass file_class) const override;
  Result<RawBlock> ReadRawBlock(const BlockHeader& header, FileClass file_class) const override;
  Result<std::vector<SeriesEntry>> ReadSeriesEntries(FileClass file_class) const override;
  Result<std::unique_ptr<EntryCursor>> ListSeriesEntries(FileClass file_class) const override;
  Result<> Verify(FileClass file_class) const override;

  FileSystem& fs() const { return fs_; }
  const SectionFooter& frame() const { return frame_; }
  const PartFooter& footer() const { return footer_; }
  const PartIndex& index() const { return index_; }

  // `error` with the path in front.
  Error Named(Error error) const;

 private:
  Result<std::unique_ptr<File>> OpenFile(FileClass file_class) const;
  Result<> VerifyBlocks(FileClass file_class) const;
  Result<> VerifyEntries(FileClass file_class) const;

  FileSystem& fs_;
  const std::string path_;
  const SectionFooter frame_;
  const PartFooter footer_;
  const uint64_t owner_;  // in the caches
  const PartIndex index_;
};

}  // namespace ficus
