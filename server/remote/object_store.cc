#include "server/remote/object_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/utf8.h"

namespace ficus {
namespace {

// The text as it may appear in a message: whatever is in it.
std::string Quoted(std::string_view text) {
  constexpr size_t kShownMax = 80;
  std::string shown = "'";
  for (const char c : ToUtf8(text.substr(0, kShownMax))) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    shown += control ? '?' : c;
  }
  return shown + (text.size() > kShownMax ? "...'" : "'");
}

Error BadKey(std::string_view key, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "key " + Quoted(key) + ": " + why};
}

// UTF-8 without control characters, those above 0x7f included.
bool IsPrintable(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x20 || first == 0x7f) return false;
    if (first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Result<> CheckPiece(std::string_view key, std::string_view piece) {
  if (piece.empty()) return BadKey(key, "an empty piece between slashes");
  if (piece == "." || piece == "..") return BadKey(key, "a piece '" + std::string(piece) + "'");
  if (piece.size() > kKeyPieceBytesMax) {
    return BadKey(key, "the piece " + Quoted(piece) + " has " + std::to_string(piece.size()) +
                           " bytes, at most " + std::to_string(kKeyPieceBytesMax));
  }
  return Ok();
}

Result<> CheckText(std::string_view what, std::string_view text) {
  const bool fine = text.size() <= kKeyBytesMax && IsPrintable(text);
  if (fine) return Ok();
  return Error{ErrorCode::kInvalidArgument,
               "list: " + std::string(what) + " " + Quoted(text) + " is no beginning of a key"};
}

}  // namespace

Result<> CheckKey(std::string_view key) {
  if (key.empty()) return BadKey(key, "empty");
  if (key.size() > kKeyBytesMax) {
    return BadKey(key,
                  std::to_string(key.size()) + " bytes, at most " + std::to_string(kKeyBytesMax));
  }
  if (!IsPrintable(key)) return BadKey(key, "not printable UTF-8");
  const std::string_view first = key.substr(0, key.find('/'));
  if (first == kScratchFolder) return BadKey(key, "the store keeps its own files there");
  std::string_view rest = key;
  while (true) {
    const size_t slash = rest.find('/');
    RETURN_IF_ERROR(CheckPiece(key, rest.substr(0, slash)));
    if (slash == std::string_view::npos) return Ok();
    rest.remove_prefix(slash + 1);
  }
}

Result<> CheckListRequest(const ListRequest& request) {
  if (request.limit == 0) return Error{ErrorCode::kInvalidArgument, "list: a limit of 0"};
  RETURN_IF_ERROR(CheckText("prefix", request.prefix));
  return CheckText("start_after", request.start_after);
}

Result<> TextSource::ReadAt(uint64_t offset, std::span<char> out) const {
  if (offset > text_.size() || out.size() > text_.size() - offset) {
    return Error{ErrorCode::kIo, "read text: end at " + std::to_string(text_.size())};
  }
  if (!out.empty()) std::memcpy(out.data(), text_.data() + offset, out.size());
  return Ok();
}

Result<std::string> GetText(ObjectStore& store, std::string_view key, uint64_t bytes_max,
                            std::stop_token stop) {
  std::string text;
  const auto collect = [&](std::string_view bytes) -> Result<> {
    if (bytes.size() > bytes_max - text.size()) {
      return Error{ErrorCode::kResourceExhausted, "get " + std::string(key) + ": more than " +
                                                      std::to_string(bytes_max) + " bytes"};
    }
    text += bytes;
    return Ok();
  };
  RETURN_IF_ERROR(store.Get(key, std::nullopt, collect, std::move(stop)));
  return text;
}

Result<> ListAll(ObjectStore& store, ListRequest request,
                 const std::function<bool(const ObjectInfo&)>& visit, std::stop_token stop) {
  while (true) {
    ASSIGN_OR_RETURN(const ListPage page, store.List(request, stop));
    for (const ObjectInfo& object : page.objects) {
      if (!visit(object)) return Ok();
    }
    if (!page.next.has_value()) return Ok();
    if (*page.next <= request.start_after) {
      return Error{ErrorCode::kCorruption,
                   "list " + request.prefix + ": the store goes in circles"};
    }
    request.start_after = *page.next;
  }
}

}  // namespace ficus
