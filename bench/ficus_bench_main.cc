// ficus_bench: runs workloads, prints one table, writes one JSON file. Ends with 1 when an answer
// is wrong, whatever the figures.
#include <algorithm>
#include <cstdio>

#include "bench/harness/bench_options.h"
#include "bench/harness/report.h"
#include "bench/workload/workloads.h"

namespace {

using namespace ficus::bench;

struct Workload {
  const char* name;
  RunWorkload* run;
};

constexpr Workload kWorkloads[] = {
    {"I1", ServerIngest},    {"I2", EngineIngest}, {"I3", WireDecode}, {"Q1", OneSeries},
    {"Q2", FanOut},          {"Q3", GroupBy},      {"S1", Snapshots},  {"S3", ColdOpen},
    {"W1", FileIo},          {"M1", Memory},       {"E1", Encodings},  {"A1", Acknowledgement},
    {"B1", BackupUnderLoad}, {"R1", Endurance},
};

bool IsWanted(const BenchOptions& options, const char* name) {
  return options.workloads.empty() || std::find(options.workloads.begin(), options.workloads.end(),
                                                name) != options.workloads.end();
}

bool IsKnown(const std::string& name) {
  return std::any_of(std::begin(kWorkloads), std::end(kWorkloads),
                     [&](const Workload& workload) { return name == workload.name; });
}

}  // namespace

int main(int argc, char** argv) {
  const BenchOptions options = ParseBenchOptions(argc, argv);
  for (const std::string& name : options.workloads) {
    if (IsKnown(name)) continue;
    std::fprintf(stderr, "no workload %s\n", name.c_str());
    return 2;
  }
  Report report;
  for (const Workload& workload : kWorkloads) {
    if (IsWanted(options, workload.name)) workload.run(options, report);
  }
  report.WriteJson(options);
  return 0;
}
