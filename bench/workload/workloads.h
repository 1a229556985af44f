// What is measured: one function for each workload, each in the file of its name.
#pragma once

#include "bench/harness/bench_options.h"
#include "bench/harness/report.h"

namespace ficus::bench {

// Each ends the program when an answer is wrong, and adds its figures to the report.
using RunWorkload = void(const BenchOptions& options, Report& report);

RunWorkload ServerIngest;     // server_ingest.cc
RunWorkload EngineIngest;     // engine_ingest.cc
RunWorkload WireDecode;       // wire_decode.cc
RunWorkload OneSeries;        // one_series.cc
RunWorkload FanOut;           // fan_out.cc
RunWorkload GroupBy;          // group_by.cc
RunWorkload Snapshots;        // snapshots.cc
RunWorkload ColdOpen;         // cold_open.cc
RunWorkload FileIo;           // file_io.cc
RunWorkload Memory;           // memory.cc
RunWorkload Encodings;        // encodings.cc
RunWorkload Endurance;        // endurance.cc
RunWorkload Acknowledgement;  // acknowledgement.cc
RunWorkload BackupUnderLoad;  // backup_under_load.cc

}  // namespace ficus::bench
