// An entropy coder for runs of integers: close to the order-0 entropy where values cluster.
//
// The range of the values is cut into bins of sizes that are powers of two: small where values are
// frequent, large where they are rare. A value is the symbol of its bin, coded with a table-driven
// asymmetric numeral system in a fraction of bits, and its place in the bin in plain bits. The bins
// are the leaves of a binary tree over the range, pruned to the smallest total of data and model.
//
// After Duda, "Asymmetric numeral systems", 2013 (the coder, in the tabled form known from FSE) and
// Pcodec (bins with offsets); the tree of bins replaces Pcodec's free bounds, because it costs a
// few bits per bin to store and can be pruned exactly. Layout: FILE-FORMAT.md, "Encodings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/encoding/ans_model.h"

namespace ficus {

// Fewer values are not worth a model.
inline constexpr size_t kAnsValuesMin = 16;

// Everything decided about a run before it is coded.
struct AnsPlan {
  uint64_t base = 0;  // the smallest value; the model is about the differences to it
  AnsModel model;
  size_t bytes = 0;  // of the encoded run, within a few
};

// The plan for `values`, signed numbers in two's complement. Nothing for fewer than kAnsValuesMin
// values and for values without clusters.
std::optional<AnsPlan> PlanAns(std::span<const uint64_t> values);

// Appends `values` as planned for them.
void EncodeAns(std::span<const uint64_t> values, const AnsPlan& plan, std::string& out);

// Fills `out` from the whole of `encoded`. kCorruption for foreign bytes.
Result<> DecodeAns(std::string_view encoded, std::span<uint64_t> out);

}  // namespace ficus
