#include "bench/harness/bench_options.h"

#include <cstdlib>
#include <filesystem>
#include <map>

#include <CLI/CLI.hpp>

namespace ficus::bench {

BenchOptions ParseBenchOptions(int argc, char** argv) {
  BenchOptions options;
  // This program lies in <build folder>/bench.
  options.bin = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  options.data = "../shared/data/nezha";
  options.scratch = "/var/tmp";

  CLI::App app(
      "Measures the node and the engine, each figure beside its yardstick of the same run.");
  app.add_option("workload", options.workloads,
                 "Workloads to run, such as I2; all when none is named");
  const std::map<std::string, Scale> scales = {
      {"small", Scale::kSmall}, {"medium", Scale::kMedium}, {"full", Scale::kFull}};
  app.add_option("--scale", options.scale, "small, medium or full")
      ->transform(CLI::CheckedTransformer(scales));
  app.add_option("--pairs", options.pairs, "Rounds of each comparison")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--bin", options.bin, "Build folder")->capture_default_str();
  app.add_option("--data", options.data, "Folder of recorded metrics")->capture_default_str();
  app.add_option("--scratch", options.scratch, "Folder on the disk to measure")
      ->capture_default_str();
  app.add_option("--json", options.json, "File for the figures")->take_last();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  return options;
}

}  // namespace ficus::bench
