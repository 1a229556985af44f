#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/ans.h"
#include "engine/encoding/bit_packing.h"
#include "engine/encoding/decimal.h"
#include "engine/encoding/dictionary.h"
#include "engine/encoding/frames.h"
#include "engine/encoding/run_estimates.h"
#include "engine/encoding/word_scheme.h"
#include "engine/encoding/word_transforms.h"
#include "engine/encoding/words.h"
#include "engine/encoding/zstd_block.h"

namespace ficus {
namespace {

using Words = std::span<const uint64_t>;

// What may still be tried for a run.
struct Choices {
  WordKind kind = WordKind::kInteger;
  Effort effort = Effort::kFast;
  bool compose = true;  // runs and dictionary, whose parts are runs of words themselves
  bool scale = true;

  Choices Part(WordKind part_kind) const { return {part_kind, effort, false, scale}; }
};

std::string Encode(Words words, const Choices& choices);

// Slower decoding must pay: how much smaller a scheme has to be than those before it.
constexpr double kAnsSaving = 0.02;
constexpr double kZstdSaving = 0.10;

// The smallest encoding seen.
class Best {
 public:
  bool empty() const { return bytes_.empty(); }
  size_t size() const { return bytes_.size(); }

  void Offer(std::string bytes, double saving = 0) {
    if (!bytes_.empty() &&
        static_cast<double>(bytes.size()) > static_cast<double>(size()) * (1 - saving)) {
      return;
    }
    bytes_ = std::move(bytes);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

std::string Begin(WordScheme scheme) { return {static_cast<char>(scheme)}; }

void PutSigned(std::string& out, uint64_t word) {
  PutVarint(out, ZigZag(static_cast<int64_t>(word)));
}

std::string_view BytesOf(Words words) {
  return {reinterpret_cast<const char*>(words.data()), words.size_bytes()};
}

std::string EncodeRaw(Words words) {
  std::string out = Begin(WordScheme::kRaw);
  out += BytesOf(words);
  return out;
}

std::string EncodeConst(Words words) {
  std::string out = Begin(WordScheme::kConst);
  PutSigned(out, words[0]);
  return out;
}

bool IsConst(Words words) {
  return std::all_of(words.begin(), words.end(), [&](uint64_t word) { return word == words[0]; });
}

bool IsLinear(Words words) {
  if (words.size() < 2) return false;
  const uint64_t step = words[1] - words[0];
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] - words[i - 1] != step) return false;
  }
  return true;
}

std::string EncodeLinear(Words words) {
  std::string out = Begin(WordScheme::kLinear);
  PutSigned(out, words[0]);
  PutSigned(out, words[1] - words[0]);
  return out;
}

std::string EncodeRuns(Words words, const Choices& choices) {
  std::vector<uint64_t> lengths;
  std::vector<uint64_t> values;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0 && words[i] == words[i - 1]) {
      ++lengths.back();
    } else {
      lengths.push_back(0);
      values.push_back(words[i]);
    }
  }
  std::string out = Begin(WordScheme::kRuns);
  PutVarint(out, values.size());
  PutLengthPrefixed(out, Encode(lengths, choices.Part(WordKind::kInteger)));
  out += Encode(values, choices.Part(choices.kind));
  return out;
}

std::string EncodeDictionary(const Dictionary& dictionary, const Choices& choices) {
  std::string out = Begin(WordScheme::kDictionary);
  PutVarint(out, dictionary.values.size());
  PutLengthPrefixed(out, Encode(dictionary.values, choices.Part(choices.kind)));
  out += Encode(dictionary.codes, choices.Part(WordKind::kInteger));
  return out;
}

// A run and its deltas, computed when they are first needed.
class Orders {
 public:
  static constexpr size_t kCount = 3;

  explicit Orders(Words words) : words_(words) {}

  Words Of(size_t order) {
    if (order == 0) return words_;
    std::vector<uint64_t>& deltas = deltas_[order - 1];
    if (deltas.empty()) deltas = Deltas(Of(order - 1));
    return deltas;
  }
  size_t count() const { return std::min(kCount, words_.size()); }

  void PutFirsts(size_t order, std::string& out) {
    for (size_t i = 0; i < order; ++i) PutSigned(out, Of(i)[0]);
  }

 private:
  Words words_;
  std::array<std::vector<uint64_t>, kCount - 1> deltas_;
};

WordScheme Plus(WordScheme scheme, size_t order) {
  return static_cast<WordScheme>(static_cast<size_t>(scheme) + order);
}

// How a run would be stored in frames of its deltas of one order.
struct ForPlan {
  size_t order = 0;
  size_t bytes = ~size_t{0};
  std::vector<FramePlan> frames;  // empty when the bytes are guessed from stretches of the run
};

size_t BytesOf(const std::vector<FramePlan>& frames) {
  size_t bytes = 0;
  for (const FramePlan& frame : frames) bytes += frame.bytes;
  return bytes;
}

// A stretch is enough to guess from.
constexpr size_t kStretch = kFrameValues;

ForPlan PlanFor(Orders& orders, size_t order) {
  const Words words = orders.Of(order);
  if (words.size() <= 4 * kStretch) {
    std::vector<FramePlan> frames = PlanFrames(words);
    const size_t bytes = BytesOf(frames);
    return {order, bytes, std::move(frames)};
  }
  const size_t bytes = BytesOf(PlanFrames(words.subspan(words.size() / 4, kStretch))) +
                       BytesOf(PlanFrames(words.subspan(words.size() * 3 / 4, kStretch)));
  return {order, bytes * words.size() / (2 * kStretch), {}};
}

std::string EncodeFor(Orders& orders, const ForPlan& plan) {
  std::string out = Begin(Plus(WordScheme::kFor, plan.order));
  orders.PutFirsts(plan.order, out);
  const Words words = orders.Of(plan.order);
  EncodeFrames(words, plan.frames.empty() ? PlanFrames(words) : plan.frames, out);
  return out;
}

// The cheapest order by plan is coded, if it promises enough.
void OfferAns(Orders& orders, const std::array<bool, Orders::kCount>& wanted, Best& best) {
  std::optional<AnsPlan> plan;
  size_t plan_order = 0;
  for (size_t order = 0; order < orders.count(); ++order) {
    if (!wanted[order]) continue;
    std::optional<AnsPlan> other = PlanAns(orders.Of(order));
    if (!other || (plan && plan->bytes <= other->bytes)) continue;
    plan = std::move(other);
    plan_order = order;
  }
  if (!plan || static_cast<double>(plan->bytes) >= static_cast<double>(best.size())) return;
  std::string out = Begin(Plus(WordScheme::kAns, plan_order));
  orders.PutFirsts(plan_order, out);
  EncodeAns(orders.Of(plan_order), *plan, out);
  best.Offer(std::move(out), kAnsSaving);
}

std::string EncodeVarint(Orders& orders, size_t order) {
  std::string out = Begin(Plus(WordScheme::kVarint, order));
  orders.PutFirsts(order, out);
  for (const uint64_t word : orders.Of(order)) PutSigned(out, word);
  return out;
}

// Compresses `inner`, itself an encoded run.
std::string EncodeZstd(std::string_view inner, size_t count, int level) {
  CHECK(inner.size() <= ZstdContentMax(count)) << inner.size();
  std::string out = Begin(WordScheme::kZstd);
  PutVarint(out, inner.size());
  ZstdCompress(inner, level, out);
  return out;
}

// Integers of fewer bits than this are not made smaller by a dictionary: the values themselves are
// as good as codes.
constexpr size_t kDictionaryBitsMin = 16;

void OfferDictionary(Words words, const Choices& choices, Best& best) {
  // A merge takes the time to find out about doubles, where every value saved saves eight bytes.
  const bool thorough = choices.kind == WordKind::kFloat && choices.effort == Effort::kSmall;
  if (choices.kind == WordKind::kInteger && best.size() * 8 < kDictionaryBitsMin * words.size()) {
    return;
  }
  if (!thorough && !LooksRepetitive(words)) return;
  const size_t values_max = thorough ? words.size() - words.size() / 8 : words.size() / 2;
  if (const auto dictionary = MakeDictionary(words, values_max)) {
    best.Offer(EncodeDictionary(*dictionary, choices));
  }
}

// Runs and dictionary, for both kinds.
void OfferComposed(Words words, const Choices& choices, Best& best) {
  if (!choices.compose) return;
  if (CountRuns(words) * 3 <= words.size()) best.Offer(EncodeRuns(words, choices));
  OfferDictionary(words, choices, best);
}

std::string EncodeScaled(Words words, uint64_t divisor, Choices choices) {
  choices.scale = false;
  std::string out = Begin(WordScheme::kScaled);
  PutVarint(out, divisor);
  PutSigned(out, words[0]);
  out += Encode(Scaled(words, divisor), choices);
  return out;
}

constexpr int kLevelFast = 1;
constexpr int kLevelSmall = 6;
// Of the words, that zstd is tried.
constexpr double kRepeatedShareMin = 0.25;

std::string EncodeIntegers(Words words, const Choices& choices) {
  if (choices.scale && words.size() > 2) {
    const uint64_t divisor = CommonDivisor(words);
    if (divisor > 1) return EncodeScaled(words, divisor, choices);
  }
  Orders orders(words);
  std::array<ForPlan, Orders::kCount> plans;
  for (size_t order = 0; order < orders.count(); ++order) {
    // Second deltas of values that vary as much as their deltas only vary more.
    if (order == 2 && plans[1].bytes > plans[0].bytes) break;
    plans[order] = PlanFor(orders, order);
  }
  const ForPlan& least =
      *std::min_element(plans.begin(), plans.end(),
                        [](const ForPlan& a, const ForPlan& b) { return a.bytes < b.bytes; });

  Best best;
  best.Offer(EncodeFor(orders, least));
  if (best.size() > words.size_bytes()) best.Offer(EncodeRaw(words));
  if (choices.effort == Effort::kSmall) {
    std::array<bool, Orders::kCount> wanted{};
    for (size_t order = 0; order < orders.count(); ++order) {
      wanted[order] = plans[order].bytes <= least.bytes + least.bytes / 8;
    }
    OfferAns(orders, wanted, best);
  }
  OfferComposed(words, choices, best);
  if (choices.effort == Effort::kSmall && RepeatedShare(words) >= kRepeatedShareMin) {
    best.Offer(EncodeZstd(EncodeVarint(orders, std::min<size_t>(least.order, 1)), words.size(),
                          kLevelSmall),
               kZstdSaving);
  }
  return best.Take();
}

std::string EncodeDecimals(const Decimals& decimals, Words words, const Choices& choices) {
  std::string out = Begin(WordScheme::kDecimal);
  PutVarint(out, static_cast<uint64_t>(decimals.exponent));
  PutVarint(out, decimals.positions.size());
  const std::vector<uint64_t> positions(decimals.positions.begin(), decimals.positions.end());
  PackBits(positions, static_cast<int>(std::bit_width(words.size() - 1)), out);
  for (const uint32_t position : decimals.positions) PutLittle(out, words[position]);
  Choices part = choices.Part(WordKind::kInteger);
  part.compose = choices.compose;
  out += Encode(decimals.integers, part);
  return out;
}

std::string EncodeOrdered(Words words, const Choices& choices) {
  std::vector<uint64_t> ordered(words.begin(), words.end());
  ForEachWord(ordered, [](uint64_t& word) { word = OrderedBits(word); });
  std::string out = Begin(WordScheme::kOrdered);
  out += Encode(ordered, choices.Part(WordKind::kInteger));
  return out;
}

// Doubles that take no more bits than this need no further search.
constexpr size_t kGoodBitsFast = 24;
constexpr size_t kGoodBitsSmall = 4;

std::string EncodeFloats(Words words, const Choices& choices) {
  const bool is_small = choices.effort == Effort::kSmall;
  const size_t good_size = words.size() * (is_small ? kGoodBitsSmall : kGoodBitsFast) / 8;
  Best best;
  best.Offer(EncodeRaw(words));
  if (const auto decimals = ToDecimals(words)) {
    best.Offer(EncodeDecimals(*decimals, words, choices));
  }
  OfferComposed(words, choices, best);
  if (best.size() <= good_size) return best.Take();
  best.Offer(EncodeOrdered(words, choices));
  if (best.size() <= good_size) return best.Take();
  const std::string raw = EncodeRaw(words);
  std::string compressed = EncodeZstd(raw, words.size(), kLevelFast);
  // What the fast level leaves far behind, the slow one does not bring to the front.
  const bool close = compressed.size() <= best.size() + best.size() / 4;
  best.Offer(std::move(compressed), is_small ? 0 : kZstdSaving);
  if (is_small && close) best.Offer(EncodeZstd(raw, words.size(), kLevelSmall));
  return best.Take();
}

std::string Encode(Words words, const Choices& choices) {
  if (words.empty()) return {};
  if (IsConst(words)) return EncodeConst(words);
  if (IsLinear(words)) return EncodeLinear(words);
  return choices.kind == WordKind::kFloat ? EncodeFloats(words, choices)
                                          : EncodeIntegers(words, choices);
}

}  // namespace

void EncodeWords(Words words, WordKind kind, Effort effort, std::string& out) {
  CHECK(words.size() <= kRunValuesMax) << words.size() << " words in one run";
  Choices choices;
  choices.kind = kind;
  choices.effort = effort;
  out += Encode(words, choices);
}

}  // namespace ficus
