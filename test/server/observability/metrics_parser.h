// A strict reader of the Prometheus text format, written from its specification and not from the
// writer.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ficus {

// The first line that breaks the grammar and why, or an empty string: names, labels, escapes and
// numbers; HELP and TYPE once and in front of the samples of their family; no sample twice;
// histogram buckets that rise, end at +Inf and agree with the count.
std::string FindGrammarMistake(std::string_view text);

// Samples by name and labels as written: `ficus_parts{shard="0"}`.
std::map<std::string, double> ParseSamples(std::string_view text);

}  // namespace ficus
