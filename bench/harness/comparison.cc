#include "bench/harness/comparison.h"

#include "engine/base/check.h"

namespace ficus::bench {

void Compare(const BenchOptions& options, Report& report, const std::string& workload,
             const std::vector<FigureKind>& kinds, const Measure& ours, const Measure& theirs) {
  std::vector<Figure> figures;
  for (const FigureKind& kind : kinds) figures.push_back({workload, kind, {}, {}});
  for (int pair = options.pairs == 1 ? 0 : -1; pair < options.pairs; ++pair) {
    const std::vector<double> a = ours();
    const std::vector<double> b = theirs();
    CHECK(a.size() == kinds.size() && b.size() == kinds.size());
    if (pair < 0) continue;
    for (size_t i = 0; i < kinds.size(); ++i) {
      figures[i].ours.push_back(a[i]);
      figures[i].theirs.push_back(b[i]);
    }
  }
  for (Figure& figure : figures) report.Add(std::move(figure));
}

}  // namespace ficus::bench
