#include "engine/wal/log_file_scanner.h"

#include <algorithm>

#include "engine/base/bytes.h"
#include "engine/wal/log.h"

namespace ficus {
namespace {

bool AllZero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && bytes.substr(1) == bytes.substr(0, bytes.size() - 1));
}

bool IsSkippable(FragmentType type) {
  return (static_cast<uint8_t>(type) & kFragmentTypeSkippable) != 0;
}

}  // namespace

LogFileScanner::LogFileScanner(File& file, uint64_t size, const LogFileHeader& header)
    : file_(file),
      size_(size),
      header_(header),
      chain_(header.chain),
      last_(header.prior),
      scn_(header.scn),
      intact_chain_(header.chain) {}

Result<std::optional<LogFileScanner::Batch>> LogFileScanner::Next() {
  complete_ = false;
  assembled_.clear();
  while (!complete_) {
    ASSIGN_OR_RETURN(const std::optional<Fragment> fragment, NextFragment());
    if (!fragment) return std::optional<Batch>();
    RETURN_IF_ERROR(Accept(*fragment));
  }
  return std::optional<Batch>(batch_);
}

Result<std::optional<Fragment>> LogFileScanner::NextFragment() {
  const uint64_t here = NextFragmentOffset(offset_);
  ASSIGN_OR_RETURN(std::optional<Fragment> fragment, Follower(here));
  fragment_offset_ = here;
  // The next group begins at the next multiple; what fills the space before it means nothing.
  if (!fragment && !inside_batch_ && AlignToGroup(offset_) != here) {
    fragment_offset_ = AlignToGroup(offset_);
    ASSIGN_OR_RETURN(fragment, Follower(fragment_offset_));
  }
  return fragment;
}

Result<std::optional<Fragment>> LogFileScanner::Follower(uint64_t offset) {
  if (offset >= size_) return std::optional<Fragment>();
  ASSIGN_OR_RETURN(const std::string_view bytes, BlockFrom(offset));
  std::optional<Fragment> fragment = DecodeFragment({header_.log, header_.number, offset}, bytes);
  if (fragment && fragment->header.previous != chain_) fragment.reset();
  return fragment;
}

Result<std::string_view> LogFileScanner::BlockFrom(uint64_t offset) {
  const bool inside = offset >= window_offset_ && offset < window_offset_ + window_.size();
  if (!inside) {
    window_offset_ = offset / kLogBlockBytes * kLogBlockBytes;
    window_.resize(std::min<uint64_t>(kWindowBytes, size_ - window_offset_));
    if (Result<> read = file_.ReadAt(window_offset_, window_); !read) {
      window_.clear();
      return std::move(read).error();
    }
  }
  const std::string_view window = window_;
  return window.substr(offset - window_offset_, NextBlock(offset) - offset);
}

Result<> LogFileScanner::Accept(const Fragment& fragment) {
  const FragmentHeader& header = fragment.header;
  offset_ = fragment_offset_ + kFragmentHeaderBytes + header.length;
  chain_ = header.checksum;
  if (IsSkippable(header.type)) {
    if (!inside_batch_) Complete();
    complete_ = false;
    return Ok();
  }
  switch (header.type) {
    case FragmentType::kFull:
      RETURN_IF_ERROR(Begin(fragment));
      batch_.payload = fragment.payload;
      inside_batch_ = false;
      Complete();
      return Ok();
    case FragmentType::kFirst:
      RETURN_IF_ERROR(Begin(fragment));
      assembled_ = fragment.payload;
      return Ok();
    case FragmentType::kMiddle:
    case FragmentType::kLast:
      if (!inside_batch_ || header.position != batch_.position) return Disorder("a piece alone");
      if (assembled_.size() + fragment.payload.size() > kBatchBytesMax) {
        return Disorder("a batch beyond every bound");
      }
      assembled_ += fragment.payload;
      if (header.type == FragmentType::kMiddle) return Ok();
      batch_.payload = assembled_;
      inside_batch_ = false;
      Complete();
      return Ok();
    case FragmentType::kMark:
      if (inside_batch_ || header.position != last_) return Disorder("a mark out of place");
      Complete();
      complete_ = false;
      return Ok();
    default:
      return Error{ErrorCode::kUnsupportedVersion,
                   file_.path() + ": offset " + std::to_string(fragment_offset_) +
                       ": fragment type " + std::to_string(static_cast<int>(header.type)) +
                       " is newer than this build"};
  }
}

Result<> LogFileScanner::Begin(const Fragment& fragment) {
  const LogPosition expected = batches_ == 0 ? header_.first : last_.Next();
  if (inside_batch_) return Disorder("a batch inside a batch");
  if (fragment.header.position != expected) return Disorder("a position out of order");
  inside_batch_ = true;
  batch_ = {fragment.header.position, fragment.header.scn, {}, fragment_offset_};
  return Ok();
}

// The last fragment read ends a batch, or stands between two.
void LogFileScanner::Complete() {
  complete_ = true;
  intact_end_ = offset_;
  intact_chain_ = chain_;
  if (batch_.position > last_) {
    last_ = batch_.position;
    scn_ = std::max(scn_, batch_.scn);
    ++batches_;
  }
}

Error LogFileScanner::Disorder(std::string_view what) const {
  return {ErrorCode::kCorruption,
          file_.path() + ": offset " + std::to_string(fragment_offset_) + ": " + std::string(what)};
}

Result<LogFileScanner::Tail> LogFileScanner::InspectTail() {
  Tail tail;
  tail.used_end = offset_;
  for (uint64_t offset = offset_; offset < size_; offset = NextBlock(offset)) {
    ASSIGN_OR_RETURN(const std::string_view block, BlockFrom(offset));
    if (!AllZero(block)) InspectBlock(offset, block, tail);
  }
  return tail;
}

void LogFileScanner::InspectBlock(uint64_t offset, std::string_view block, Tail& tail) const {
  tail.used_end = offset + block.find_last_not_of('\0') + 1;
  for (size_t at = 0; at < block.size();) {
    const auto fragment =
        DecodeFragment({header_.log, header_.number, offset + at}, block.substr(at));
    if (!fragment) {
      ++at;
      continue;
    }
    if (tail.resume_offset == 0) tail.resume_offset = offset + at;
    tail.synced = std::max(tail.synced, fragment->header.synced);
    tail.highest = std::max(tail.highest, fragment->header.position);
    at += kFragmentHeaderBytes + fragment->header.length;
  }
}

}  // namespace ficus
