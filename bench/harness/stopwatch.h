// Seconds of the wall clock and of the processor.
#pragma once

namespace ficus::bench {

double WallSeconds();
// User and system time of this process, threads that ended included.
double CpuSeconds();
// Of the calling thread.
double ThreadCpuSeconds();

}  // namespace ficus::bench
