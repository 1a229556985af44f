#include "engine/encoding/ans.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/encoding/bit_stream.h"
#include "engine/encoding/spread.h"

namespace ficus {
namespace {

// Four states take turns, so that four steps of the decoder run side by side. Each step of four
// waits for the one before it; long runs therefore have two streams of symbols with four states
// each, whose steps do not wait for each other.
constexpr size_t kLanes = 4;
constexpr size_t kStreamsMax = 2;
constexpr size_t kTwoStreamsFrom = 2048;

// Values are decoded bin by bin into batches, then their places in the bins are added.
constexpr size_t kBatch = 256;

size_t StreamCount(size_t values) { return values < kTwoStreamsFrom ? 1 : 2; }

// Which stream holds the symbol of value `i`, and which of its states.
size_t StreamOf(size_t i, size_t streams) { return i / kLanes % streams; }
size_t LaneOf(size_t i) { return i % kLanes; }

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

// What the decoder reads at one value.
struct SymbolBits {
  uint16_t bits;
  uint8_t count;
};

// Takes symbols in reverse order.
class SymbolEncoder {
 public:
  explicit SymbolEncoder(const AnsModel& model)
      : size_(model.table_size()), next_(model.table_size()) {
    uint32_t start = 0;
    for (const AnsBin& bin : model.bins) {
      bins_.push_back({start, bin.weight, model.table_log - FloorLog2(bin.weight)});
      start += bin.weight;
    }
    const std::vector<uint16_t> places = SpreadBins(model);
    std::vector<uint32_t> used(bins_.size());
    for (uint32_t place = 0; place < places.size(); ++place) {
      const uint16_t bin = places[place];
      next_[bins_[bin].start + used[bin]++] = static_cast<uint16_t>(place);
    }
    for (auto& states : states_) states.fill(size_);
  }

  SymbolBits Push(size_t stream, size_t lane, uint32_t bin) {
    uint32_t& state = states_[stream][lane];
    const Bin& b = bins_[bin];
    const int count = b.bits_max - (state >> b.bits_max < b.weight);
    const uint32_t bits = state & ((uint32_t{1} << count) - 1);
    state = size_ + next_[b.start + (state >> count) - b.weight];
    return {static_cast<uint16_t>(bits), static_cast<uint8_t>(count)};
  }

  uint32_t FinalState(size_t stream, size_t lane) const { return states_[stream][lane] - size_; }

 private:
  struct Bin {
    uint32_t start;
    uint32_t weight;
    int bits_max;
  };

  uint32_t size_;
  std::vector<Bin> bins_;
  std::vector<uint16_t> next_;
  std::array<std::array<uint32_t, kLanes>, kStreamsMax> states_;
};

// The decoding table: what each state stands for. Two arrays, because one is added up and the other
// only copied.
class DecodingTable {
 public:
  // What to do in a state, packed: bits 0-15 the next state before the stream's bits are added,
  // 16-23 how many bits those are, 24-31 the width of the bin.
  using Action = uint32_t;
  static constexpr int kBitsShift = 16;
  static constexpr int kWidthShift = 24;

  DecodingTable(const AnsModel& model, uint64_t base)
      : lows_(model.table_size()), actions_(model.table_size()) {
    std::vector<uint32_t> seen;
    for (const AnsBin& bin : model.bins) {
      seen.push_back(bin.weight);
      widest_ = std::max(widest_, bin.width);
    }
    const std::vector<uint16_t> bins = SpreadBins(model);
    for (size_t state = 0; state < bins.size(); ++state) {
      const AnsBin& bin = model.bins[bins[state]];
      const uint32_t x = seen[bins[state]]++;
      const int bits = model.table_log - FloorLog2(x);
      lows_[state] = base + bin.low;
      actions_[state] = ((x << bits) - model.table_size()) |
                        static_cast<uint32_t>(bits) << kBitsShift |
                        static_cast<uint32_t>(bin.width) << kWidthShift;
    }
  }

  const uint64_t* lows() const { return lows_.data(); }
  const Action* actions() const { return actions_.data(); }
  int widest() const { return widest_; }

 private:
  std::vector<uint64_t> lows_;
  std::vector<Action> actions_;
  int widest_ = 0;
};

// A copy of the coded bits of a run, followed by so many zeros that a batch may be decoded without
// looking for the end.
class PaddedBits {
 public:
  explicit PaddedBits(std::string_view bytes)
      : bytes_(std::make_unique_for_overwrite<char[]>(bytes.size() + kPadding)) {
    if (!bytes.empty()) std::memcpy(bytes_.get(), bytes.data(), bytes.size());
    std::memset(bytes_.get() + bytes.size(), 0, kPadding);
  }
  const char* data() const { return bytes_.get(); }

 private:
  static constexpr size_t kPadding = kBatch * kAnsTableLogMax / 8 + 2 * sizeof(uint64_t);
  std::unique_ptr<char[]> bytes_;
};

#define FICUS_INLINE inline __attribute__((always_inline))

// At least 57 bits from a position within padded bytes.
FICUS_INLINE uint64_t BitsFrom(const char* bytes, size_t position) {
  return LoadLittle<uint64_t>(bytes + position / 8) >> (position % 8);
}

FICUS_INLINE uint64_t LowBits(uint64_t word, unsigned width) {
  return word & ~(~uint64_t{0} << (width & 63));
}

// Symbols are taken from the bits [position, end) of the padded bytes.
struct Stream {
  size_t position = 0;
  size_t end = 0;
  uint32_t states[kLanes] = {};
};

// Values and actions of up to kBatch values.
struct Batch {
  uint64_t* values;
  DecodingTable::Action* actions;
  size_t size;
};

// What the inner loops read.
struct Source {
  const uint64_t* lows;
  const DecodingTable::Action* actions;
  const char* bytes;
};

struct FourStates {
  uint32_t s0, s1, s2, s3;
  size_t position;
  size_t widths;  // sum over the bins taken
};

// The value that the state stands for and the next state. Returns the action's counts: the bits
// taken in the low byte, the width above.
FICUS_INLINE uint32_t TakeOne(const Source& source, uint32_t& state, uint64_t& bits,
                              uint64_t* __restrict value,
                              DecodingTable::Action* __restrict action) {
  const DecodingTable::Action act = source.actions[state];
  *value = source.lows[state];
  *action = act;
  const uint32_t counts = act >> DecodingTable::kBitsShift;
  state = static_cast<uint32_t>((act & 0xffff) + LowBits(bits, counts));
  bits >>= counts & 63;
  return counts;
}

// One value by each of four states.
FICUS_INLINE void TakeFour(const Source& source, FourStates& four, uint64_t* __restrict values,
                           DecodingTable::Action* __restrict actions) {
  static_assert(kLanes == 4 && kLanes * kAnsTableLogMax <= 57);
  uint64_t bits = BitsFrom(source.bytes, four.position);
  const uint32_t c0 = TakeOne(source, four.s0, bits, values, actions);
  const uint32_t c1 = TakeOne(source, four.s1, bits, values + 1, actions + 1);
  const uint32_t c2 = TakeOne(source, four.s2, bits, values + 2, actions + 2);
  const uint32_t c3 = TakeOne(source, four.s3, bits, values + 3, actions + 3);
  const uint32_t counts = (c0 + c1) + (c2 + c3);
  four.position += counts & 0xff;
  four.widths += counts >> 8;
}

FICUS_INLINE FourStates Load(const Stream& stream) {
  return {stream.states[0], stream.states[1], stream.states[2],
          stream.states[3], stream.position,  0};
}
FICUS_INLINE void Store(const FourStates& four, Stream& stream) {
  stream = {four.position, stream.end, {four.s0, four.s1, four.s2, four.s3}};
}

// Whole steps of four values, or of eight; returns the sum of the bins' widths. The states are
// copied so that they live in registers.
FICUS_INLINE size_t TakeFromOneInline(Source source, Stream* streams, Batch batch) {
  FourStates a = Load(streams[0]);
  for (size_t i = 0; i < batch.size; i += kLanes) {
    TakeFour(source, a, batch.values + i, batch.actions + i);
  }
  Store(a, streams[0]);
  return a.widths;
}

FICUS_INLINE size_t TakeFromTwoInline(Source source, Stream* streams, Batch batch) {
  FourStates a = Load(streams[0]);
  FourStates b = Load(streams[1]);
  for (size_t i = 0; i < batch.size; i += 2 * kLanes) {
    TakeFour(source, a, batch.values + i, batch.actions + i);
    TakeFour(source, b, batch.values + i + kLanes, batch.actions + i + kLanes);
  }
  Store(a, streams[0]);
  Store(b, streams[1]);
  return a.widths + b.widths;
}

FICUS_INLINE void AddOne(uint64_t& bits, size_t& position, uint64_t& value,
                         DecodingTable::Action action) {
  const unsigned width = action >> DecodingTable::kWidthShift;
  value += LowBits(bits, width);
  bits >>= width & 63;
  position += width;
}

// Adds to each value as many bits from `position` on as its action says. `Together` values, 1, 2
// or 4, share a load: their widths are at most 56 together.
template <size_t Together>
FICUS_INLINE size_t AddOffsetsInline(const char* bytes, size_t position, Batch batch) {
  size_t i = 0;
  for (; i + Together <= batch.size; i += Together) {
    uint64_t bits = BitsFrom(bytes, position);
    AddOne(bits, position, batch.values[i], batch.actions[i]);
    if constexpr (Together > 1) AddOne(bits, position, batch.values[i + 1], batch.actions[i + 1]);
    if constexpr (Together > 2) AddOne(bits, position, batch.values[i + 2], batch.actions[i + 2]);
    if constexpr (Together > 2) AddOne(bits, position, batch.values[i + 3], batch.actions[i + 3]);
  }
  for (; i < batch.size; ++i) {
    uint64_t bits = BitsFrom(bytes, position);
    AddOne(bits, position, batch.values[i], batch.actions[i]);
  }
  return position;
}

FICUS_INLINE size_t AddOffsetsByWidth(const char* bytes, size_t position, int widest, Batch batch) {
  if (widest <= 14) return AddOffsetsInline<4>(bytes, position, batch);
  if (widest <= 28) return AddOffsetsInline<2>(bytes, position, batch);
  return AddOffsetsInline<1>(bytes, position, batch);
}

// The same for bins wider than 56 bits.
size_t AddWideOffsets(const char* bytes, size_t position, Batch batch) {
  for (size_t i = 0; i < batch.size; ++i) {
    const unsigned width = batch.actions[i] >> DecodingTable::kWidthShift;
    const unsigned low_width = std::min(width, 32u);
    batch.values[i] += LowBits(BitsFrom(bytes, position), low_width);
    batch.values[i] += LowBits(BitsFrom(bytes, position + low_width), width - low_width) << 32;
    position += width;
  }
  return position;
}

// The inner loops, once for every processor and once for those with BMI, where a shift by a
// variable costs a third.
struct Loops {
  size_t (*take_from_one)(Source, Stream*, Batch);
  size_t (*take_from_two)(Source, Stream*, Batch);
  size_t (*add_offsets)(const char*, size_t, int, Batch);
};

size_t TakeFromOne(Source source, Stream* streams, Batch batch) {
  return TakeFromOneInline(source, streams, batch);
}
size_t TakeFromTwo(Source source, Stream* streams, Batch batch) {
  return TakeFromTwoInline(source, streams, batch);
}
size_t AddOffsets(const char* bytes, size_t position, int widest, Batch batch) {
  return AddOffsetsByWidth(bytes, position, widest, batch);
}

#define FICUS_BMI __attribute__((target("bmi,bmi2")))
FICUS_BMI size_t TakeFromOneBmi(Source source, Stream* streams, Batch batch) {
  return TakeFromOneInline(source, streams, batch);
}
FICUS_BMI size_t TakeFromTwoBmi(Source source, Stream* streams, Batch batch) {
  return TakeFromTwoInline(source, streams, batch);
}
FICUS_BMI size_t AddOffsetsBmi(const char* bytes, size_t position, int widest, Batch batch) {
  return AddOffsetsByWidth(bytes, position, widest, batch);
}

const Loops& ChosenLoops() {
  static const Loops loops =
      __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0
          ? Loops{TakeFromOneBmi, TakeFromTwoBmi, AddOffsetsBmi}
          : Loops{TakeFromOne, TakeFromTwo, AddOffsets};
  return loops;
}

class Decoder {
 public:
  // `bytes` holds the symbols of the streams and then, from the end of the last, the offsets.
  Decoder(DecodingTable table, std::string_view bytes, std::span<const Stream> streams)
      : table_(std::move(table)), bytes_(bytes), stream_count_(streams.size()) {
    std::copy(streams.begin(), streams.end(), streams_.begin());
    offset_position_ = streams.back().end;
    offset_end_ = 8 * bytes.size();
  }

  // Up to kBatch values; exactly kBatch unless they are the last. False when the bits run out.
  bool Decode(std::span<uint64_t> out) {
    std::array<DecodingTable::Action, kBatch> actions;
    const Batch batch{out.data(), actions.data(), out.size()};
    size_t widths = 0;
    return TakeBins(batch, widths) && AddPlaces(batch, widths);
  }

  // Whether everything was read and the states are where the encoder began.
  bool AtEnd() const {
    for (const Stream& stream : Streams()) {
      if (stream.position + 7 < stream.end) return false;
      for (const uint32_t state : stream.states) {
        if (state != 0) return false;
      }
    }
    return offset_position_ + 7 >= offset_end_;
  }

 private:
  std::span<const Stream> Streams() const { return {streams_.data(), stream_count_}; }

  bool TakeBins(const Batch& batch, size_t& widths) {
    const Source source{table_.lows(), table_.actions(), bytes_.data()};
    const size_t step = kLanes * stream_count_;
    const size_t grouped = batch.size / step * step;
    const auto take = stream_count_ == 1 ? loops_.take_from_one : loops_.take_from_two;
    widths = take(source, streams_.data(), {batch.values, batch.actions, grouped});
    for (size_t i = grouped; i < batch.size; ++i) {
      Stream& stream = streams_[StreamOf(i, stream_count_)];
      uint64_t bits = BitsFrom(source.bytes, stream.position);
      const uint32_t counts =
          TakeOne(source, stream.states[LaneOf(i)], bits, batch.values + i, batch.actions + i);
      stream.position += counts & 0xff;
      widths += counts >> 8;
    }
    const auto streams = Streams();
    return std::all_of(streams.begin(), streams.end(),
                       [](const Stream& stream) { return stream.position <= stream.end; });
  }

  bool AddPlaces(const Batch& batch, size_t widths) {
    if (widths > offset_end_ - offset_position_) return false;
    if (widths == 0) return true;
    const char* bytes = bytes_.data();
    const int widest = table_.widest();
    offset_position_ = widest <= 56 ? loops_.add_offsets(bytes, offset_position_, widest, batch)
                                    : AddWideOffsets(bytes, offset_position_, batch);
    return true;
  }

  const Loops& loops_ = ChosenLoops();
  const DecodingTable table_;
  const PaddedBits bytes_;
  const size_t stream_count_;
  std::array<Stream, kStreamsMax> streams_;
  size_t offset_position_;
  size_t offset_end_;
};

// Radix sort by the low `width` bits, the only ones set.
void SortValues(std::vector<uint64_t>& values, int width) {
  if (values.size() < 128) {
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

std::vector<uint16_t> BinsOf(std::span<const uint64_t> values, const AnsPlan& plan) {
  const AnsBinFinder finder(plan.model);
  std::vector<uint16_t> bins(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    bins[i] = static_cast<uint16_t>(finder.BinOf(values[i] - plan.base));
  }
  return bins;
}

void PutOffsets(std::span<const uint64_t> values, const std::vector<uint16_t>& bins,
                const AnsPlan& plan, std::string& out) {
  BitWriter writer(out);
  for (size_t i = 0; i < values.size(); ++i) {
    const AnsBin& bin = plan.model.bins[bins[i]];
    writer.Put(values[i] - plan.base - bin.low, bin.width);
  }
  writer.Finish();
}

void AppendSymbols(size_t stream, size_t streams, const std::vector<SymbolBits>& symbols,
                   std::string& out) {
  BitWriter writer(out);
  for (size_t begin = stream * kLanes; begin < symbols.size(); begin += streams * kLanes) {
    const size_t end = std::min(begin + kLanes, symbols.size());
    for (size_t i = begin; i < end; ++i) writer.Put(symbols[i].bits, symbols[i].count);
  }
  writer.Finish();
}

Error Corrupt(const char* what) { return {ErrorCode::kCorruption, std::string("ans: ") + what}; }

}  // namespace

std::optional<AnsPlan> PlanAns(std::span<const uint64_t> values) {
  if (values.size() < kAnsValuesMin) return std::nullopt;
  const Spread spread = SpreadOf(values);
  const auto base = static_cast<uint64_t>(spread.low);

  std::vector<uint64_t> sorted(values.size());
  for (size_t i = 0; i < values.size(); ++i) sorted[i] = values[i] - base;
  SortValues(sorted, spread.width());
  std::optional<AnsModel> model = MakeAnsModel(sorted);
  if (!model) return std::nullopt;
  const size_t streams = StreamCount(values.size());
  const size_t head_bytes = 4 + streams * (2 + kLanes * static_cast<size_t>(model->table_log) / 8);
  const auto bytes = static_cast<size_t>(model->bits / 8) + head_bytes;
  return AnsPlan{base, *std::move(model), bytes};
}

void EncodeAns(std::span<const uint64_t> values, const AnsPlan& plan, std::string& out) {
  const size_t streams = StreamCount(values.size());
  const std::vector<uint16_t> bins = BinsOf(values, plan);
  SymbolEncoder encoder(plan.model);
  std::vector<SymbolBits> symbols(values.size());
  for (size_t i = values.size(); i-- > 0;) {
    symbols[i] = encoder.Push(StreamOf(i, streams), LaneOf(i), bins[i]);
  }

  PutVarint(out, ZigZag(static_cast<int64_t>(plan.base)));
  BitWriter head(out);
  WriteAnsModel(plan.model, head);
  for (size_t stream = 0; stream < streams; ++stream) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      head.Put(encoder.FinalState(stream, lane), plan.model.table_log);
    }
  }
  head.Finish();
  std::string coded;
  for (size_t stream = 0; stream < streams; ++stream) {
    const size_t begin = coded.size();
    AppendSymbols(stream, streams, symbols, coded);
    PutVarint(out, coded.size() - begin);
  }
  out += coded;
  PutOffsets(values, bins, plan, out);
}

Result<> DecodeAns(std::string_view encoded, std::span<uint64_t> out) {
  ByteReader reader(encoded);
  uint64_t zigzag_base = 0;
  if (!reader.ReadVarint(zigzag_base)) return Corrupt("base");
  BitReader head(encoded.substr(reader.offset()));
  const std::optional<AnsModel> model = ReadAnsModel(head);
  if (!model) return Corrupt("model");

  std::array<Stream, kStreamsMax> streams;
  const size_t stream_count = StreamCount(out.size());
  for (size_t i = 0; i < stream_count; ++i) {
    for (uint32_t& state : streams[i].states) {
      state = static_cast<uint32_t>(head.Take(model->table_log));
    }
  }
  if (!head.ok() || !reader.Skip(head.BytesTaken())) return Corrupt("head");
  size_t symbols_end = 0;
  for (size_t i = 0; i < stream_count; ++i) {
    uint64_t size = 0;
    if (!reader.ReadVarintAtMost(encoded.size(), size)) return Corrupt("size");
    streams[i].position = 8 * symbols_end;
    symbols_end += size;
    streams[i].end = 8 * symbols_end;
  }
  if (symbols_end > reader.remaining()) return Corrupt("size");

  Decoder decoder(DecodingTable(*model, static_cast<uint64_t>(UnZigZag(zigzag_base))),
                  encoded.substr(reader.offset()), {streams.data(), stream_count});
  for (size_t begin = 0; begin < out.size(); begin += kBatch) {
    if (!decoder.Decode(out.subspan(begin, std::min(kBatch, out.size() - begin)))) {
      return Corrupt("bits run out");
    }
  }
  return decoder.AtEnd() ? Ok() : Result<>(Corrupt("bits left over"));
}

}  // namespace ficus
