#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/ans.h"
#include "engine/encoding/bit_packing.h"
#include "engine/encoding/decimal.h"
#include "engine/encoding/frames.h"
#include "engine/encoding/word_scheme.h"
#include "engine/encoding/word_transforms.h"
#include "engine/encoding/words.h"
#include "engine/encoding/zstd_block.h"

namespace ficus {
namespace {

Result<> Decode(std::string_view encoded, int depth, std::span<uint64_t> out);

Error Corrupt(std::string_view what) {
  return {ErrorCode::kCorruption, "words: " + std::string(what)};
}

Result<> AtEnd(const ByteReader& reader) {
  return reader.AtEnd() ? Ok() : Result<>(Corrupt("bytes left over"));
}

std::string_view Rest(ByteReader& reader) {
  std::string_view rest;
  reader.ReadBytes(reader.remaining(), rest);
  return rest;
}

bool ReadSigned(ByteReader& reader, uint64_t& word) {
  uint64_t zigzag = 0;
  if (!reader.ReadVarint(zigzag)) return false;
  word = static_cast<uint64_t>(UnZigZag(zigzag));
  return true;
}

Result<> DecodeRaw(ByteReader& reader, std::span<uint64_t> out) {
  if (reader.remaining() != out.size_bytes()) return Corrupt("raw size");
  std::memcpy(out.data(), Rest(reader).data(), out.size_bytes());
  return Ok();
}

Result<> DecodeConst(ByteReader& reader, std::span<uint64_t> out) {
  uint64_t word = 0;
  if (!ReadSigned(reader, word)) return Corrupt("constant");
  std::fill(out.begin(), out.end(), word);
  return AtEnd(reader);
}

Result<> DecodeLinear(ByteReader& reader, std::span<uint64_t> out) {
  uint64_t first = 0;
  uint64_t step = 0;
  if (!ReadSigned(reader, first) || !ReadSigned(reader, step)) return Corrupt("linear");
  for (size_t i = 0; i < out.size(); ++i) out[i] = first + i * step;
  return AtEnd(reader);
}

Result<> DecodeRuns(ByteReader& reader, int depth, std::span<uint64_t> out) {
  uint64_t runs = 0;
  std::string_view encoded_lengths;
  if (!reader.ReadVarintAtMost(out.size(), runs) || !reader.ReadLengthPrefixed(encoded_lengths)) {
    return Corrupt("runs");
  }
  std::vector<uint64_t> lengths(runs);
  std::vector<uint64_t> values(runs);
  RETURN_IF_ERROR(Decode(encoded_lengths, depth, lengths));
  RETURN_IF_ERROR(Decode(Rest(reader), depth, values));
  size_t filled = 0;
  for (size_t i = 0; i < runs; ++i) {
    if (lengths[i] >= out.size() - filled) return Corrupt("run length");
    const size_t length = lengths[i] + 1;
    std::fill_n(out.begin() + static_cast<ptrdiff_t>(filled), length, values[i]);
    filled += length;
  }
  return filled == out.size() ? Ok() : Result<>(Corrupt("run lengths"));
}

Result<> DecodeDictionary(ByteReader& reader, int depth, std::span<uint64_t> out) {
  uint64_t size = 0;
  std::string_view encoded_values;
  if (!reader.ReadVarintAtMost(out.size(), size) || !reader.ReadLengthPrefixed(encoded_values)) {
    return Corrupt("dictionary");
  }
  std::vector<uint64_t> values(size);
  RETURN_IF_ERROR(Decode(encoded_values, depth, values));
  RETURN_IF_ERROR(Decode(Rest(reader), depth, out));
  uint64_t code_max = 0;
  for (const uint64_t code : out) code_max = std::max(code_max, code);
  if (code_max >= size) return Corrupt("dictionary code");
  ForEachWord(out, [&values](uint64_t& word) { word = values[word]; });
  return Ok();
}

// `order` first values, then the deltas of that order by `decode_deltas`.
template <typename DecodeDeltas>
Result<> DecodeSums(ByteReader& reader, size_t order, std::span<uint64_t> out,
                    DecodeDeltas decode_deltas) {
  if (out.size() < order) return Corrupt("fewer values than deltas");
  for (size_t i = 0; i < order; ++i) {
    if (!ReadSigned(reader, out[i])) return Corrupt("first value");
  }
  RETURN_IF_ERROR(decode_deltas(out.subspan(order)));
  for (size_t i = order; i > 0; --i) SumDeltas(out.subspan(i - 1));
  return Ok();
}

Result<> DecodeFor(ByteReader& reader, size_t order, std::span<uint64_t> out) {
  RETURN_IF_ERROR(DecodeSums(reader, order, out, [&](std::span<uint64_t> deltas) {
    return DecodeFrames(reader, deltas);
  }));
  return AtEnd(reader);
}

Result<> DecodeAnsRun(ByteReader& reader, size_t order, std::span<uint64_t> out) {
  return DecodeSums(reader, order, out,
                    [&](std::span<uint64_t> deltas) { return DecodeAns(Rest(reader), deltas); });
}

Result<> DecodeVarint(ByteReader& reader, size_t order, std::span<uint64_t> out) {
  RETURN_IF_ERROR(DecodeSums(reader, order, out, [&](std::span<uint64_t> deltas) -> Result<> {
    for (uint64_t& word : deltas) {
      if (!ReadSigned(reader, word)) return Corrupt("varint");
    }
    return Ok();
  }));
  return AtEnd(reader);
}

Result<> DecodeScaled(ByteReader& reader, int depth, std::span<uint64_t> out) {
  uint64_t divisor = 0;
  uint64_t first = 0;
  if (!reader.ReadVarint(divisor) || !ReadSigned(reader, first)) return Corrupt("scale");
  RETURN_IF_ERROR(Decode(Rest(reader), depth, out));
  ForEachWord(out, [=](uint64_t& word) { word = first + word * divisor; });
  return Ok();
}

Result<> DecodeDecimal(ByteReader& reader, int depth, std::span<uint64_t> out) {
  uint64_t exponent = 0;
  uint64_t exceptions = 0;
  reader.ReadVarintAtMost(kDecimalExponentMax, exponent);
  reader.ReadVarintAtMost(out.size(), exceptions);
  const int width = static_cast<int>(std::bit_width(out.size() - 1));
  std::string_view packed;
  std::string_view values;
  reader.ReadBytes(PackedBytes(exceptions, width), packed);
  reader.ReadBytes(exceptions * sizeof(uint64_t), values);
  if (!reader.ok()) return Corrupt("decimal");
  RETURN_IF_ERROR(Decode(Rest(reader), depth, out));
  FromDecimals(static_cast<int>(exponent), out);
  if (exceptions == 0) return Ok();

  std::vector<uint64_t> positions(exceptions);
  UnpackBits(packed, width, positions);
  for (size_t i = 0; i < exceptions; ++i) {
    if (positions[i] >= out.size()) return Corrupt("position of an exception");
    out[positions[i]] = LoadLittle<uint64_t>(values.data() + i * sizeof(uint64_t));
  }
  return Ok();
}

Result<> DecodeOrdered(ByteReader& reader, int depth, std::span<uint64_t> out) {
  RETURN_IF_ERROR(Decode(Rest(reader), depth, out));
  ForEachWord(out, [](uint64_t& word) { word = OrderedBits(word); });
  return Ok();
}

Result<> DecodeZstd(ByteReader& reader, int depth, std::span<uint64_t> out) {
  uint64_t size = 0;
  if (!reader.ReadVarintAtMost(ZstdContentMax(out.size()), size)) return Corrupt("zstd size");
  const auto content = std::make_unique_for_overwrite<char[]>(size);
  if (!ZstdDecompress(Rest(reader), {content.get(), size})) return Corrupt("zstd");
  const std::string_view inner(content.get(), size);
  if (!inner.empty() && inner.front() == static_cast<char>(WordScheme::kZstd)) {
    return Corrupt("zstd in zstd");
  }
  return Decode(inner, depth, out);
}

// `depth` counts the runs around this one, each of which is longer by at least a byte.
Result<> Decode(std::string_view encoded, int depth, std::span<uint64_t> out) {
  if (out.empty()) return encoded.empty() ? Ok() : Result<>(Corrupt("bytes without values"));
  if (encoded.empty()) return Corrupt("no bytes");
  if (depth == kWordNestingMax) return Corrupt("nested too deeply");
  const auto scheme = static_cast<WordScheme>(encoded.front());
  ByteReader reader(encoded.substr(1));
  ++depth;
  switch (scheme) {
    case WordScheme::kRaw:
      return DecodeRaw(reader, out);
    case WordScheme::kConst:
      return DecodeConst(reader, out);
    case WordScheme::kLinear:
      return DecodeLinear(reader, out);
    case WordScheme::kRuns:
      return DecodeRuns(reader, depth, out);
    case WordScheme::kDictionary:
      return DecodeDictionary(reader, depth, out);
    case WordScheme::kFor:
      return DecodeFor(reader, 0, out);
    case WordScheme::kDeltaFor:
      return DecodeFor(reader, 1, out);
    case WordScheme::kDelta2For:
      return DecodeFor(reader, 2, out);
    case WordScheme::kAns:
      return DecodeAnsRun(reader, 0, out);
    case WordScheme::kDeltaAns:
      return DecodeAnsRun(reader, 1, out);
    case WordScheme::kDelta2Ans:
      return DecodeAnsRun(reader, 2, out);
    case WordScheme::kVarint:
      return DecodeVarint(reader, 0, out);
    case WordScheme::kDeltaVarint:
      return DecodeVarint(reader, 1, out);
    case WordScheme::kScaled:
      return DecodeScaled(reader, depth, out);
    case WordScheme::kDecimal:
      return DecodeDecimal(reader, depth, out);
    case WordScheme::kOrdered:
      return DecodeOrdered(reader, depth, out);
    case WordScheme::kZstd:
      return DecodeZstd(reader, depth, out);
  }
  return Corrupt("unknown scheme");
}

}  // namespace

Result<> DecodeWords(std::string_view encoded, std::span<uint64_t> out) {
  CHECK(out.size() <= kRunValuesMax) << out.size() << " words in one run";
  return Decode(encoded, 0, out);
}

std::string_view WordsSchemeName(std::string_view encoded) {
  return encoded.empty() ? "empty" : WordSchemeName(static_cast<uint8_t>(encoded.front()));
}

}  // namespace ficus
