#include "engine/encoding/bitmap.h"

#include <algorithm>
#include <bit>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace ficus {
namespace {

enum class Form : uint8_t { kBits = 0, kRunsFromZero = 1, kRunsFromOne = 2 };

Error Corrupt(const char* what) { return {ErrorCode::kCorruption, std::string("bitmap: ") + what}; }

uint64_t TailMask(size_t count) {
  return count % 64 == 0 ? ~uint64_t{0} : (uint64_t{1} << (count % 64)) - 1;
}

bool BitAt(std::span<const uint64_t> words, size_t bit) {
  return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

// The first bit from `from` on that is not `value`, or `count`.
size_t EndOfRun(std::span<const uint64_t> words, size_t count, size_t from, bool value) {
  for (size_t bit = from; bit < count; bit = (bit / 64 + 1) * 64) {
    const uint64_t word = value ? ~words[bit / 64] : words[bit / 64];
    const uint64_t rest = word >> (bit % 64);
    if (rest != 0) return std::min(count, bit + static_cast<size_t>(std::countr_zero(rest)));
  }
  return count;
}

void SetRun(std::span<uint64_t> words, size_t begin, size_t end) {
  for (size_t bit = begin; bit < end;) {
    const size_t in_word = std::min(end - bit, 64 - bit % 64);
    const uint64_t mask = in_word == 64 ? ~uint64_t{0} : (uint64_t{1} << in_word) - 1;
    words[bit / 64] |= mask << (bit % 64);
    bit += in_word;
  }
}

// Lengths of alternating runs, the last one left out. False once they need more than `bytes_max`.
bool EncodeRuns(std::span<const uint64_t> words, size_t count, size_t bytes_max, std::string& out) {
  bool value = BitAt(words, 0);
  const size_t size_before = out.size();
  for (size_t begin = 0; begin < count; value = !value) {
    const size_t end = EndOfRun(words, count, begin, value);
    if (end < count) PutVarint(out, end - begin);
    if (out.size() - size_before > bytes_max) return false;
    begin = end;
  }
  return true;
}

Result<> DecodeRuns(std::string_view encoded, size_t count, bool value, std::span<uint64_t> words) {
  std::fill(words.begin(), words.end(), 0);
  ByteReader reader(encoded);
  size_t begin = 0;
  while (!reader.AtEnd()) {
    uint64_t length = 0;
    // The run after the last stored one is not empty either.
    if (!reader.ReadVarintAtMost(count - begin - 1, length) || length == 0) {
      return Corrupt("run length");
    }
    if (value) SetRun(words, begin, begin + length);
    begin += length;
    value = !value;
  }
  if (value) SetRun(words, begin, count);
  return Ok();
}

Result<> DecodeBits(std::string_view encoded, size_t count, std::span<uint64_t> words) {
  if (encoded.size() != (count + 7) / 8) return Corrupt("size");
  words.back() = 0;
  std::memcpy(words.data(), encoded.data(), encoded.size());
  if ((words.back() & ~TailMask(count)) != 0) return Corrupt("bits beyond the end");
  return Ok();
}

}  // namespace

void EncodeBitmap(std::span<const uint64_t> words, size_t count, std::string& out) {
  CHECK(words.size() == (count + 63) / 64) << words.size() << " words for " << count << " bits";
  if (count == 0) return;
  CHECK((words.back() & ~TailMask(count)) == 0) << "bits beyond " << count;

  const size_t begin = out.size();
  const size_t plain_bytes = (count + 7) / 8;
  out.push_back(static_cast<char>(BitAt(words, 0) ? Form::kRunsFromOne : Form::kRunsFromZero));
  if (EncodeRuns(words, count, plain_bytes - 1, out)) return;
  out.resize(begin);
  out.push_back(static_cast<char>(Form::kBits));
  out.append(reinterpret_cast<const char*>(words.data()), plain_bytes);
}

Result<> DecodeBitmap(std::string_view encoded, size_t count, std::span<uint64_t> words) {
  CHECK(words.size() == (count + 63) / 64) << words.size() << " words for " << count << " bits";
  if (count == 0) return encoded.empty() ? Ok() : Result<>(Corrupt("bytes without bits"));
  if (encoded.empty()) return Corrupt("empty");
  const auto form = static_cast<Form>(encoded.front());
  encoded.remove_prefix(1);
  switch (form) {
    case Form::kBits:
      return DecodeBits(encoded, count, words);
    case Form::kRunsFromZero:
    case Form::kRunsFromOne:
      return DecodeRuns(encoded, count, form == Form::kRunsFromOne, words);
  }
  return Corrupt("form");
}

}  // namespace ficus
