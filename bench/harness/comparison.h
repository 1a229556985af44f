// Two things measured in turns: A B A B.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/harness/bench_options.h"
#include "bench/harness/report.h"

namespace ficus::bench {

// A value for each figure.
using Measure = std::function<std::vector<double>()>;

// Runs both in turns, options.pairs times, after one pair that does not count (none when a single
// pair is asked for), and adds a figure for each kind.
void Compare(const BenchOptions& options, Report& report, const std::string& workload,
             const std::vector<FigureKind>& kinds, const Measure& ours, const Measure& theirs);

}  // namespace ficus::bench
