#include "engine/encoding/cells.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/cell_dictionary.h"
#include "engine/encoding/zstd_block.h"

namespace ficus {
namespace {

// Numbers are part of the file format.
enum class CellScheme : uint8_t {
  kConst = 1,
  kPlain = 2,
  kDictionary = 3,
  kZstd = 4,
  kHex = 5,
};

constexpr int kLevelFast = 1;
constexpr int kLevelSmall = 3;

// Offsets are 32-bit numbers.
constexpr uint64_t kBytesMax = std::numeric_limits<uint32_t>::max();

struct Cells {
  std::span<const uint32_t> offsets;
  std::string_view bytes;

  size_t count() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::string_view At(size_t i) const {
    return bytes.substr(offsets[i], offsets[i + 1] - offsets[i]);
  }
  // All cells one after another.
  std::string_view All() const {
    return bytes.substr(offsets.front(), offsets.back() - offsets.front());
  }
};

std::string Begin(CellScheme scheme) { return {static_cast<char>(scheme)}; }

// The words of the cells' lengths, prefixed by their size.
void PutLengths(const Cells& cells, Effort effort, std::string& out) {
  std::vector<uint64_t> lengths(cells.count());
  for (size_t i = 0; i < lengths.size(); ++i) {
    lengths[i] = cells.offsets[i + 1] - cells.offsets[i];
  }
  std::string encoded;
  EncodeWords(lengths, WordKind::kInteger, effort, encoded);
  PutLengthPrefixed(out, encoded);
}

bool IsConst(const Cells& cells) {
  for (size_t i = 1; i < cells.count(); ++i) {
    if (cells.At(i) != cells.At(0)) return false;
  }
  return true;
}

constexpr int kNotHex = -1;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return kNotHex;
}

// Ids are often written in lower-case hex: two digits in a byte cost nothing to undo, and no
// compressor gets further.
bool IsHex(const Cells& cells) {
  for (size_t i = 0; i < cells.count(); ++i) {
    if ((cells.offsets[i + 1] - cells.offsets[i]) % 2 != 0) return false;
  }
  const std::string_view all = cells.All();
  return std::all_of(all.begin(), all.end(), [](char c) { return HexDigit(c) != kNotHex; });
}

std::string EncodeHex(const Cells& cells, Effort effort) {
  std::string out = Begin(CellScheme::kHex);
  PutLengths(cells, effort, out);
  const std::string_view all = cells.All();
  for (size_t i = 0; i < all.size(); i += 2) {
    out.push_back(static_cast<char>(HexDigit(all[i]) << 4 | HexDigit(all[i + 1])));
  }
  return out;
}

std::string EncodePlain(const Cells& cells, Effort effort) {
  const std::string_view all = cells.All();
  std::string lengths;
  PutLengths(cells, effort, lengths);
  std::string frame;
  ZstdCompress(all, effort == Effort::kFast ? kLevelFast : kLevelSmall, frame);
  const bool compress = frame.size() <= all.size() - all.size() / 10;
  std::string out = Begin(compress ? CellScheme::kZstd : CellScheme::kPlain);
  out += lengths;
  out += compress ? std::string_view(frame) : all;
  return out;
}

std::string EncodeValues(const CellDictionary& dictionary, Effort effort) {
  std::vector<uint32_t> offsets = {0};
  std::string bytes;
  for (const std::string_view value : dictionary.values) {
    bytes += value;
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  const Cells cells{offsets, bytes};
  return IsHex(cells) ? EncodeHex(cells, effort) : EncodePlain(cells, effort);
}

std::string EncodeDictionary(const CellDictionary& dictionary, Effort effort) {
  std::string out = Begin(CellScheme::kDictionary);
  PutVarint(out, dictionary.values.size());
  PutLengthPrefixed(out, EncodeValues(dictionary, effort));
  EncodeWords(dictionary.codes, WordKind::kInteger, effort, out);
  return out;
}

std::string Encode(const Cells& cells, Effort effort) {
  if (IsConst(cells)) return Begin(CellScheme::kConst) + std::string(cells.At(0));
  std::string best;
  if (const auto dictionary = MakeCellDictionary(cells.offsets, cells.bytes, cells.count() / 2)) {
    best = EncodeDictionary(*dictionary, effort);
    // Good enough; a general compressor would only be slower to undo.
    if (best.size() <= cells.All().size() / 8) return best;
  }
  std::string other = IsHex(cells) ? EncodeHex(cells, effort) : EncodePlain(cells, effort);
  return best.empty() || other.size() < best.size() ? other : best;
}

Error Corrupt(std::string_view what) {
  return {ErrorCode::kCorruption, "cells: " + std::string(what)};
}

std::string_view Rest(ByteReader& reader) {
  std::string_view rest;
  reader.ReadBytes(reader.remaining(), rest);
  return rest;
}

// Replaces `offsets` by those of `count` cells whose lengths `reader` holds; together at most
// `bytes_max` bytes.
Result<> ReadOffsets(ByteReader& reader, size_t count, size_t bytes_max,
                     std::vector<uint32_t>& offsets) {
  std::string_view encoded;
  if (!reader.ReadLengthPrefixed(encoded)) return Corrupt("lengths");
  std::vector<uint64_t> lengths(count);
  RETURN_IF_ERROR(DecodeWords(encoded, lengths));
  offsets.resize(count + 1);
  uint64_t end = 0;
  for (size_t i = 0; i < count; ++i) {
    offsets[i] = static_cast<uint32_t>(end);
    if (lengths[i] > bytes_max - end) return Corrupt("more bytes than expected");
    end += lengths[i];
  }
  offsets[count] = static_cast<uint32_t>(end);
  return Ok();
}

Result<> DecodeConst(std::string_view cell, size_t count, size_t bytes_max,
                     std::vector<uint32_t>& offsets, std::string& bytes) {
  if (cell.size() > bytes_max / count) return Corrupt("more bytes than expected");
  offsets.resize(count + 1);
  bytes.reserve(cell.size() * count);
  for (size_t i = 0; i < count; ++i) {
    offsets[i] = static_cast<uint32_t>(bytes.size());
    bytes += cell;
  }
  offsets[count] = static_cast<uint32_t>(bytes.size());
  return Ok();
}

Result<> DecodeZstd(std::string_view frame, size_t size, std::string& bytes) {
  bytes.resize(size);
  return ZstdDecompress(frame, bytes) ? Ok() : Result<>(Corrupt("zstd"));
}

Result<> DecodeHex(std::string_view packed, const std::vector<uint32_t>& offsets,
                   std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  if (offsets.back() % 2 != 0 || packed.size() != offsets.back() / 2) return Corrupt("hex size");
  bytes.resize(offsets.back());
  for (size_t i = 0; i < packed.size(); ++i) {
    const auto byte = static_cast<unsigned char>(packed[i]);
    bytes[2 * i] = kDigits[byte >> 4];
    bytes[2 * i + 1] = kDigits[byte & 15];
  }
  return Ok();
}

// Everything but dictionaries: what may be inside of one.
Result<> DecodeFlat(CellScheme scheme, std::string_view body, size_t count, size_t bytes_max,
                    std::vector<uint32_t>& offsets, std::string& bytes) {
  if (scheme == CellScheme::kConst) return DecodeConst(body, count, bytes_max, offsets, bytes);
  ByteReader reader(body);
  RETURN_IF_ERROR(ReadOffsets(reader, count, bytes_max, offsets));
  const std::string_view rest = Rest(reader);
  switch (scheme) {
    case CellScheme::kPlain:
      if (rest.size() != offsets.back()) return Corrupt("size");
      bytes = rest;
      return Ok();
    case CellScheme::kZstd:
      return DecodeZstd(rest, offsets.back(), bytes);
    case CellScheme::kHex:
      return DecodeHex(rest, offsets, bytes);
    case CellScheme::kConst:
    case CellScheme::kDictionary:
      break;
  }
  return Corrupt("unknown scheme");
}

Result<> DecodeDictionary(std::string_view body, size_t count, size_t bytes_max,
                          std::vector<uint32_t>& offsets, std::string& bytes) {
  ByteReader reader(body);
  uint64_t size = 0;
  std::string_view encoded_values;
  if (!reader.ReadVarintAtMost(count, size) || size == 0 ||
      !reader.ReadLengthPrefixed(encoded_values) || encoded_values.empty()) {
    return Corrupt("dictionary");
  }
  std::vector<uint32_t> value_offsets;
  std::string value_bytes;
  RETURN_IF_ERROR(DecodeFlat(static_cast<CellScheme>(encoded_values.front()),
                             encoded_values.substr(1), size, bytes_max, value_offsets,
                             value_bytes));
  const Cells values{value_offsets, value_bytes};
  std::vector<uint64_t> codes(count);
  RETURN_IF_ERROR(DecodeWords(Rest(reader), codes));

  offsets.resize(count + 1);
  uint64_t end = 0;
  for (size_t i = 0; i < count; ++i) {
    offsets[i] = static_cast<uint32_t>(end);
    if (codes[i] >= size) return Corrupt("dictionary code");
    end += values.At(codes[i]).size();
    if (end > bytes_max) return Corrupt("more bytes than expected");
  }
  offsets[count] = static_cast<uint32_t>(end);
  bytes.reserve(end);
  for (const uint64_t code : codes) bytes += values.At(code);
  return Ok();
}

}  // namespace

void EncodeCells(std::span<const uint32_t> offsets, std::string_view bytes, Effort effort,
                 std::string& out) {
  const Cells cells{offsets, bytes};
  CHECK(cells.count() <= kRunValuesMax) << cells.count() << " cells in one run";
  if (cells.count() == 0) return;
  CHECK(offsets.back() <= bytes.size()) << offsets.back() << " of " << bytes.size() << " bytes";
  out += Encode(cells, effort);
}

Result<> DecodeCells(std::string_view encoded, size_t count, size_t bytes_max,
                     std::vector<uint32_t>& offsets, std::string& bytes) {
  CHECK(count <= kRunValuesMax) << count << " cells in one run";
  offsets.clear();
  bytes.clear();
  if (count == 0) return encoded.empty() ? Ok() : Result<>(Corrupt("bytes without cells"));
  if (encoded.empty()) return Corrupt("no bytes");
  bytes_max = std::min<uint64_t>(bytes_max, kBytesMax);
  const auto scheme = static_cast<CellScheme>(encoded.front());
  const std::string_view body = encoded.substr(1);
  return scheme == CellScheme::kDictionary
             ? DecodeDictionary(body, count, bytes_max, offsets, bytes)
             : DecodeFlat(scheme, body, count, bytes_max, offsets, bytes);
}

std::string_view CellsSchemeName(std::string_view encoded) {
  if (encoded.empty()) return "empty";
  switch (static_cast<CellScheme>(encoded.front())) {
    case CellScheme::kConst:
      return "const";
    case CellScheme::kPlain:
      return "plain";
    case CellScheme::kDictionary:
      return "dictionary";
    case CellScheme::kZstd:
      return "zstd";
    case CellScheme::kHex:
      return "hex";
  }
  return "unknown";
}

}  // namespace ficus
