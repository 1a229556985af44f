// What all workloads are told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ficus::bench {

enum class Scale : uint8_t {
  kSmall,   // proves that it works, in seconds
  kMedium,  // figures, in minutes
  kFull,    // figures of large stores, in hours
};

struct BenchOptions {
  std::vector<std::string> workloads;  // empty: all
  Scale scale = Scale::kMedium;
  int pairs = 5;
  std::string bin;      // the build folder: where ficusd, ficus_load and noop_server are
  std::string data;     // recorded metrics; a folder that is absent is left out
  std::string scratch;  // folder for what is written, on the disk to be measured
  std::string json;     // file for the figures; empty: none

  template <typename T>
  T Pick(T small, T medium, T full) const {
    return scale == Scale::kSmall ? small : scale == Scale::kMedium ? medium : full;
  }
};

// Ends the program with a reason on a wrong command line, and after --help.
BenchOptions ParseBenchOptions(int argc, char** argv);

}  // namespace ficus::bench
