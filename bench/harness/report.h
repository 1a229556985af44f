// The figures of a run: one table, one JSON file.
#pragma once

#include <string>
#include <vector>

#include "bench/harness/bench_options.h"

namespace ficus::bench {

// What is bearable. 0: no such bound.
struct Goal {
  double ratio_max = 0;  // of the yardstick
  double value_max = 0;
};

// Every figure is a cost: less is better.
struct FigureKind {
  std::string what;       // "written, flushed and merged"
  std::string unit;       // "CPU ns a point"
  std::string yardstick;  // what stands beside it: "RocksDB"
  Goal goal;
};

// A kind, and its values of each pair.
struct Figure {
  std::string workload;
  FigureKind kind;
  std::vector<double> ours;
  std::vector<double> theirs;
};

class Report {
 public:
  // Both lists have one value for each pair, at least one. Prints the line at once.
  void Add(Figure figure);
  // A remark below the line that was added last: "skipped: ...", "3.1 GB written".
  void Note(const std::string& workload, const std::string& text);

  void WriteJson(const BenchOptions& options) const;

 private:
  void PrintHead();

  struct Remark {
    std::string workload;
    std::string text;
  };
  bool has_head_ = false;
  std::vector<Figure> figures_;
  std::vector<Remark> remarks_;
};

}  // namespace ficus::bench
