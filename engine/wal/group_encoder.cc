#include "engine/wal/group_encoder.h"

#include <algorithm>

#include "engine/base/check.h"

namespace ficus {
namespace {

// A buffer that one large batch made is not kept for the small ones that follow.
constexpr size_t kBufferBytesKept = 8 << 20;

FragmentType TypeOf(bool first, bool last) {
  if (first) return last ? FragmentType::kFull : FragmentType::kFirst;
  return last ? FragmentType::kLast : FragmentType::kMiddle;
}

}  // namespace

void GroupEncoder::Begin(const Start& start) {
  CHECK(start.place.offset % kGroupAlignment == 0) << start.place.offset;
  CHECK(start.place.offset >= kLogHeaderBytes) << start.place.offset;
  start_ = start;
  if (buffer_.capacity() > kBufferBytesKept) buffer_ = std::string();
  buffer_.clear();
}

void GroupEncoder::Add(LogPosition position, Scn scn, std::string_view payload) {
  bool first = true;
  do {
    const uint64_t at = NextFragmentOffset(offset());
    const size_t room = NextBlock(at) - at - kFragmentHeaderBytes;
    const std::string_view piece = payload.substr(0, room);
    payload.remove_prefix(piece.size());
    AddFragment({.type = TypeOf(first, payload.empty()), .position = position, .scn = scn}, piece);
    first = false;
  } while (!payload.empty());
}

void GroupEncoder::AddMark(LogPosition last, Scn scn) {
  AddFragment({.type = FragmentType::kMark, .position = last, .scn = scn}, {});
}

void GroupEncoder::AddFragment(FragmentHeader header, std::string_view payload) {
  const uint64_t at = NextFragmentOffset(offset());
  const size_t begin = at - start_.place.offset;
  header.length = static_cast<uint16_t>(payload.size());
  header.previous = start_.chain;
  header.synced = start_.synced;
  buffer_.resize(begin + kFragmentHeaderBytes, '\0');
  buffer_.append(payload);
  FragmentPlace place = start_.place;
  place.offset = at;
  EncodeFragmentHeader(place, header, buffer_.data() + begin);
  start_.chain = header.checksum;
}

std::string_view GroupEncoder::Finish() {
  buffer_.resize(AlignToGroup(buffer_.size()), '\0');
  return buffer_;
}

}  // namespace ficus
