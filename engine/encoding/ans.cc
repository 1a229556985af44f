#include "engine/encoding/ans.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/ans_model.h"
#include "engine/encoding/bit_stream.h"

namespace ficus {
namespace {

// Values take turns with four states, so that four steps of the decoder run side by side.
constexpr size_t kStates = 4;
// Values are decoded bin by bin into batches, then their places in the bins are added.
constexpr size_t kBatch = 256;

// The bin of each of the 2^table_log places, spread so that every bin's places lie far apart. An
// odd step visits every place.
std::vector<uint16_t> SpreadBins(const AnsModel& model) {
  const uint32_t size = model.table_size();
  const uint32_t step = (size >> 1) + (size >> 3) + 3;
  std::vector<uint16_t> places(size);
  uint32_t place = 0;
  for (size_t bin = 0; bin < model.bins.size(); ++bin) {
    for (uint32_t i = 0; i < model.bins[bin].weight; ++i) {
      places[place] = static_cast<uint16_t>(bin);
      place = (place + step) & (size - 1);
    }
  }
  return places;
}

int FloorLog2(uint32_t value) { return static_cast<int>(std::bit_width(value)) - 1; }

class Encoder {
 public:
  explicit Encoder(const AnsModel& model) : model_(model), next_(model.table_size()) {
    uint32_t start = 0;
    for (const AnsBin& bin : model.bins) {
      starts_.push_back(start);
      start += bin.weight;
    }
    std::vector<uint32_t> used = starts_;
    const std::vector<uint16_t> places = SpreadBins(model);
    for (uint32_t place = 0; place < places.size(); ++place) next_[used[places[place]]++] = place;
    states_.fill(model.table_size());
  }

  // Values in reverse order. The returned bits are what the decoder reads at this value.
  struct Bits {
    uint16_t bits;
    uint8_t count;
  };
  Bits Push(size_t index, uint32_t bin) {
    uint32_t& state = states_[index % kStates];
    const uint32_t weight = model_.bins[bin].weight;
    int count = model_.table_log - FloorLog2(weight);
    if (state >> count < weight) --count;
    const uint32_t bits = state & ((uint32_t{1} << count) - 1);
    state = model_.table_size() + next_[starts_[bin] + (state >> count) - weight];
    return {static_cast<uint16_t>(bits), static_cast<uint8_t>(count)};
  }

  uint32_t FinalState(size_t i) const { return states_[i] - model_.table_size(); }

 private:
  const AnsModel& model_;
  std::vector<uint32_t> starts_;
  std::vector<uint32_t> next_;
  std::array<uint32_t, kStates> states_{};
};

struct Place {
  uint64_t low;
  uint16_t next;  // the next state, before its bits are added
  uint8_t bits;
  uint8_t width;
};

std::vector<Place> DecodingTable(const AnsModel& model, uint64_t base) {
  std::vector<uint32_t> seen;
  for (const AnsBin& bin : model.bins) seen.push_back(bin.weight);
  const std::vector<uint16_t> bins = SpreadBins(model);
  std::vector<Place> table(bins.size());
  for (size_t i = 0; i < bins.size(); ++i) {
    const AnsBin& bin = model.bins[bins[i]];
    const uint32_t x = seen[bins[i]]++;
    const int bits = model.table_log - FloorLog2(x);
    table[i] = {base + bin.low, static_cast<uint16_t>((x << bits) - model.table_size()),
                static_cast<uint8_t>(bits), static_cast<uint8_t>(bin.width)};
  }
  return table;
}

// A copy of a bit stream that may be read a few words beyond its end.
class PaddedBits {
 public:
  explicit PaddedBits(std::string_view bytes)
      : bytes_(std::make_unique_for_overwrite<char[]>(bytes.size() + kPadding)),
        bits_(8 * bytes.size()) {
    std::memcpy(bytes_.get(), bytes.data(), bytes.size());
    std::memset(bytes_.get() + bytes.size(), 0, kPadding);
  }

  size_t bits() const { return bits_; }
  // At least 57 bits from `position` <= bits().
  uint64_t From(size_t position) const {
    return LoadLittle<uint64_t>(bytes_.get() + position / 8) >> (position % 8);
  }

 private:
  static constexpr size_t kPadding = 24;
  std::unique_ptr<char[]> bytes_;
  size_t bits_;
};

uint64_t LowBits(uint64_t word, int width) { return word & ((uint64_t{1} << width) - 1); }

class Decoder {
 public:
  Decoder(const AnsModel& model, uint64_t base, BitReader& reader, std::string_view symbols,
          std::string_view offsets)
      : table_(DecodingTable(model, base)), symbols_(symbols), offsets_(offsets) {
    for (uint32_t& state : states_) state = static_cast<uint32_t>(reader.Take(model.table_log));
  }

  // Up to kBatch values; a multiple of kStates unless they are the last. False when the bits run
  // out.
  bool Decode(std::span<uint64_t> out) {
    std::array<uint8_t, kBatch> widths;
    return TakeBins(out, widths.data()) && AddOffsets(out, widths.data());
  }

  // Whether everything was read and the states are where the encoder began.
  bool AtEnd() const {
    return symbol_position_ + 7 >= symbols_.bits() && offset_position_ + 7 >= offsets_.bits() &&
           std::all_of(states_.begin(), states_.end(), [](uint32_t state) { return state == 0; });
  }

 private:
  bool TakeBins(std::span<uint64_t> out, uint8_t* widths) {
    std::array<uint32_t, kStates> states = states_;
    const Place* const table = table_.data();
    size_t position = symbol_position_;
    size_t i = 0;
    for (; i + kStates <= out.size(); i += kStates) {
      if (position > symbols_.bits()) return false;
      // Four states take at most 4 * kAnsTableLogMax = 44 bits.
      uint64_t bits = symbols_.From(position);
      for (size_t s = 0; s < kStates; ++s) {
        const Place place = table[states[s]];
        out[i + s] = place.low;
        widths[i + s] = place.width;
        states[s] = static_cast<uint32_t>(place.next + LowBits(bits, place.bits));
        bits >>= place.bits;
        position += place.bits;
      }
    }
    for (size_t s = 0; i < out.size(); ++i, ++s) {
      if (position > symbols_.bits()) return false;
      const Place place = table[states[s]];
      out[i] = place.low;
      widths[i] = place.width;
      states[s] = static_cast<uint32_t>(place.next + LowBits(symbols_.From(position), place.bits));
      position += place.bits;
    }
    states_ = states;
    symbol_position_ = position;
    return position <= symbols_.bits();
  }

  bool AddOffsets(std::span<uint64_t> out, const uint8_t* widths) {
    size_t total = 0;
    int widest = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      total += widths[i];
      widest = std::max<int>(widest, widths[i]);
    }
    if (total > offsets_.bits() - offset_position_) return false;
    size_t position = offset_position_;
    offset_position_ += total;
    if (total == 0) return true;
    if (widest <= 56) {
      for (size_t i = 0; i < out.size(); ++i) {
        out[i] += LowBits(offsets_.From(position), widths[i]);
        position += widths[i];
      }
      return true;
    }
    for (size_t i = 0; i < out.size(); ++i) {
      const int low_width = std::min<int>(widths[i], 32);
      const int high_width = widths[i] - low_width;
      out[i] += LowBits(offsets_.From(position), low_width);
      position += static_cast<size_t>(low_width);
      out[i] += LowBits(offsets_.From(position), high_width) << 32;
      position += static_cast<size_t>(high_width);
    }
    return true;
  }

  const std::vector<Place> table_;
  const PaddedBits symbols_;
  const PaddedBits offsets_;
  std::array<uint32_t, kStates> states_{};
  size_t symbol_position_ = 0;
  size_t offset_position_ = 0;
};

// Radix sort by the low `width` bits, the only ones set.
void SortValues(std::vector<uint64_t>& values, int width) {
  if (values.size() < 256) {
    std::sort(values.begin(), values.end());
    return;
  }
  std::vector<uint64_t> other(values.size());
  for (int shift = 0; shift < width; shift += 8) {
    std::array<uint32_t, 257> starts{};
    for (const uint64_t value : values) ++starts[(value >> shift & 0xff) + 1];
    for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    for (const uint64_t value : values) other[starts[value >> shift & 0xff]++] = value;
    values.swap(other);
  }
}

void PutOffsets(std::span<const uint64_t> values, uint64_t base, const AnsModel& model,
                const std::vector<uint16_t>& bins, std::string& out) {
  BitWriter writer(out);
  for (size_t i = 0; i < values.size(); ++i) {
    const AnsBin& bin = model.bins[bins[i]];
    writer.Put(values[i] - base - bin.low, bin.width);
  }
  writer.Finish();
}

Error Corrupt(const char* what) { return {ErrorCode::kCorruption, std::string("ans: ") + what}; }

}  // namespace

bool EncodeAns(std::span<const uint64_t> values, std::string& out) {
  if (values.size() < kAnsValuesMin) return false;
  int64_t low = static_cast<int64_t>(values[0]);
  for (const uint64_t value : values) low = std::min(low, static_cast<int64_t>(value));
  const auto base = static_cast<uint64_t>(low);

  std::vector<uint64_t> sorted(values.begin(), values.end());
  uint64_t range = 0;
  for (uint64_t& value : sorted) {
    value -= base;
    range |= value;
  }
  SortValues(sorted, static_cast<int>(std::bit_width(range)));
  const std::optional<AnsModel> model = MakeAnsModel(sorted);
  if (!model) return false;

  std::vector<uint16_t> bins(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    bins[i] = static_cast<uint16_t>(model->BinOf(values[i] - base));
  }
  Encoder encoder(*model);
  std::vector<Encoder::Bits> bits(values.size());
  for (size_t i = values.size(); i-- > 0;) bits[i] = encoder.Push(i, bins[i]);

  PutVarint(out, ZigZag(low));
  std::string head;
  BitWriter head_writer(head);
  WriteAnsModel(*model, head_writer);
  for (size_t i = 0; i < kStates; ++i) head_writer.Put(encoder.FinalState(i), model->table_log);
  head_writer.Finish();
  std::string symbols;
  BitWriter symbol_writer(symbols);
  for (const Encoder::Bits& piece : bits) symbol_writer.Put(piece.bits, piece.count);
  symbol_writer.Finish();
  PutVarint(out, symbols.size());
  out += head;
  out += symbols;
  PutOffsets(values, base, *model, bins, out);
  return true;
}

Result<> DecodeAns(std::string_view encoded, std::span<uint64_t> out) {
  ByteReader reader(encoded);
  uint64_t zigzag_base = 0;
  uint64_t symbol_bytes = 0;
  reader.ReadVarint(zigzag_base);
  reader.ReadVarint(symbol_bytes);
  if (!reader.ok()) return Corrupt("head");
  std::string_view rest = encoded.substr(reader.offset());

  BitReader head(rest);
  const std::optional<AnsModel> model = ReadAnsModel(head);
  if (!model) return Corrupt("model");
  BitReader states = head;
  for (size_t i = 0; i < kStates; ++i) states.Take(model->table_log);
  if (!states.ok() || symbol_bytes > rest.size() - states.BytesTaken()) return Corrupt("size");
  rest.remove_prefix(states.BytesTaken());

  Decoder decoder(*model, static_cast<uint64_t>(UnZigZag(zigzag_base)), head,
                  rest.substr(0, symbol_bytes), rest.substr(symbol_bytes));
  for (size_t begin = 0; begin < out.size(); begin += kBatch) {
    if (!decoder.Decode(out.subspan(begin, std::min(kBatch, out.size() - begin)))) {
      return Corrupt("bits run out");
    }
  }
  return decoder.AtEnd() ? Ok() : Result<>(Corrupt("bits left over"));
}

}  // namespace ficus
