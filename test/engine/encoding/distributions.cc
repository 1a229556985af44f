#include "test/engine/encoding/distributions.h"

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

double Uniform(SeededRandom& random) { return static_cast<double>(random.Next() >> 11) * 0x1p-53; }

double Normal(SeededRandom& random) {
  const double radius = std::sqrt(-2 * std::log(1 - Uniform(random)));
  return radius * std::cos(6.283185307179586 * Uniform(random));
}

uint64_t Poisson(SeededRandom& random, double mean) {
  const double limit = std::exp(-mean);
  uint64_t count = 0;
  for (double product = Uniform(random); product > limit; product *= Uniform(random)) ++count;
  return count;
}

uint64_t LogNormal(SeededRandom& random, double middle) {
  return static_cast<uint64_t>(middle * std::exp(Normal(random)));
}

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

uint64_t SpecialDouble(SeededRandom& random) {
  constexpr uint64_t kSpecial[] = {
      0x0000000000000000, 0x8000000000000000,  // zeros
      0x7ff0000000000000, 0xfff0000000000000,  // infinities
      0x7ff8000000000000, 0xfff8000000000000,  // quiet NaNs
      0x7ff8dead0000beef, 0x7ff0000000000001,  // payloads, one of them signalling
      0x0000000000000001, 0x800fffffffffffff,  // subnormal
      0x7fefffffffffffff, 0x0010000000000000,  // largest and smallest normal
  };
  constexpr size_t kCount = sizeof kSpecial / sizeof *kSpecial;
  const uint64_t pick = random.Below(kCount + 6);
  return pick < kCount ? kSpecial[pick] : Bits(static_cast<double>(random.Below(1000)) / 100);
}

using Step = std::function<uint64_t(size_t index, SeededRandom& random)>;

struct Named {
  WordKind kind;
  // Makes a generator with a state of its own.
  std::function<Step()> make;
};

// A generator without state.
Named Plain(WordKind kind, Step step) {
  return {kind, [step] { return step; }};
}

Named Counter(double mean, uint64_t reset_one_in) {
  return {WordKind::kInteger, [=] {
            return [=, sum = uint64_t{1000000}](size_t, SeededRandom& random) mutable {
              sum = random.Below(reset_one_in) == 0 ? 0 : sum + Poisson(random, mean);
              return sum;
            };
          }};
}

Named FloatWalk(double step, double rounding) {
  return {WordKind::kFloat, [=] {
            return [=, value = 20.0](size_t, SeededRandom& random) mutable {
              value += step * Normal(random);
              return Bits(rounding == 0 ? value : std::round(value * rounding) / rounding);
            };
          }};
}

const std::map<std::string_view, Named>& All() {
  constexpr WordKind kInt = WordKind::kInteger;
  constexpr WordKind kFloat = WordKind::kFloat;
  constexpr uint64_t kStart = 1660000000000000000;
  constexpr uint64_t kMinute = 60000000000;
  static const std::map<std::string_view, Named> all = {
      {"constant", Plain(kInt, [](size_t, SeededRandom&) { return 42; })},
      {"minutes", Plain(kInt, [](size_t i, SeededRandom&) { return kStart + i * kMinute; })},
      {"minutes with gaps",
       Plain(kInt, [](size_t i, SeededRandom&) { return kStart + (i + i / 50) * kMinute; })},
      {"minutes with jitter in ms", Plain(kInt,
                                          [](size_t i, SeededRandom& random) {
                                            return kStart + i * kMinute +
                                                   random.Below(41) * 1000000;
                                          })},
      {"counter", Counter(50, ~uint64_t{0})},
      {"counter with resets", Counter(50, 500)},
      {"gauge",
       {kInt,
        [] {
          return [value = 500.0](size_t, SeededRandom& random) mutable {
            value += Normal(random);
            return static_cast<uint64_t>(static_cast<int64_t>(value));
          };
        }}},
      {"negative gauge", Plain(kInt,
                               [](size_t, SeededRandom& random) {
                                 return static_cast<uint64_t>(
                                     static_cast<int64_t>(100 * Normal(random)));
                               })},
      {"small counts",
       Plain(kInt, [](size_t, SeededRandom& random) { return Poisson(random, 3); })},
      {"latency", Plain(kInt, [](size_t, SeededRandom& random) { return LogNormal(random, 50); })},
      {"zeros with spikes", Plain(kInt,
                                  [](size_t, SeededRandom& random) {
                                    return random.Below(20) == 0 ? LogNormal(random, 5000) : 0;
                                  })},
      {"status codes", Plain(kInt,
                             [](size_t, SeededRandom& random) {
                               constexpr uint64_t kCodes[] = {200, 200, 200, 200, 404, 500};
                               return kCodes[random.Below(6)];
                             })},
      {"long runs", Plain(kInt, [](size_t i, SeededRandom&) { return i / 37 % 5 * 1000; })},
      {"period of a day", Plain(kInt,
                                [](size_t i, SeededRandom&) {
                                  return static_cast<uint64_t>(
                                      1000 + 500 * std::sin(static_cast<double>(i % 1440) / 229));
                                })},
      {"random bits", Plain(kInt, [](size_t, SeededRandom& random) { return random.Next(); })},
      {"random small",
       Plain(kInt, [](size_t, SeededRandom& random) { return random.Below(1000); })},
      {"ends of int64", Plain(kInt,
                              [](size_t, SeededRandom& random) {
                                const uint64_t end = random.Below(2) == 0 ? 1ULL << 63 : ~0ULL >> 1;
                                return end + random.Below(2) - random.Below(2);
                              })},
      {"temperature", FloatWalk(0.3, 10)},
      {"price", Plain(kFloat,
                      [](size_t, SeededRandom& random) {
                        return Bits(static_cast<double>(LogNormal(random, 5000)) / 100);
                      })},
      {"rate per minute", Plain(kFloat,
                                [](size_t, SeededRandom& random) {
                                  return Bits(static_cast<double>(Poisson(random, 50)) / 60);
                                })},
      {"few floats", Plain(kFloat,
                           [](size_t, SeededRandom& random) {
                             constexpr double kFew[] = {0.085, 0.0925, 0.4625, 0.1, 1.0 / 3};
                             return Bits(kFew[random.Below(5)]);
                           })},
      {"float walk", FloatWalk(0.001, 0)},
      {"normal floats",
       Plain(kFloat, [](size_t, SeededRandom& random) { return Bits(Normal(random)); })},
      {"mostly decimal", Plain(kFloat,
                               [](size_t, SeededRandom& random) {
                                 return random.Below(10) == 0
                                            ? random.Next()
                                            : Bits(static_cast<double>(random.Below(5000)) / 1000);
                               })},
      {"special floats",
       Plain(kFloat, [](size_t, SeededRandom& random) { return SpecialDouble(random); })},
      {"random floats", Plain(kFloat, [](size_t, SeededRandom& random) { return random.Next(); })},
  };
  return all;
}

}  // namespace

std::vector<Distribution> Distributions() {
  std::vector<Distribution> distributions;
  for (const auto& [name, named] : All()) distributions.push_back({name, named.kind});
  return distributions;
}

std::vector<uint64_t> Generate(std::string_view name, size_t count, SeededRandom& random) {
  Step step = All().at(name).make();
  std::vector<uint64_t> words(count);
  for (size_t i = 0; i < count; ++i) words[i] = step(i, random);
  return words;
}

double Order0Entropy(const std::vector<uint64_t>& words) {
  std::map<uint64_t, size_t> counts;
  for (const uint64_t word : words) ++counts[word];
  double bits = 0;
  for (const auto& [word, count] : counts) {
    bits -= static_cast<double>(count) *
            std::log2(static_cast<double>(count) / static_cast<double>(words.size()));
  }
  return bits / static_cast<double>(words.size());
}

}  // namespace ficus
