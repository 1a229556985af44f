// Runs of words as they occur in practice, generated from a seed: what the tests encode.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"
#include "engine/encoding/words.h"

namespace ficus {

struct Distribution {
  std::string_view name;
  WordKind kind;
};

// Constants, counters, gauges, latencies, spikes, random bits, decimals, special doubles, ...
std::vector<Distribution> Distributions();

// `count` words of the distribution with this name.
std::vector<uint64_t> Generate(std::string_view name, size_t count, SeededRandom& random);

// Bits per word when each word of the run is coded by its frequency in the run.
double Order0Entropy(const std::vector<uint64_t>& words);

}  // namespace ficus
