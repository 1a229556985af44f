// SKIP_TEST("needs root"): ends the test case here and has it counted as skipped, with the reason.
//
// Catch2 2 knows no skipping; CTest counts a case whose output holds "SKIPPED:" as skipped, and
// `./dev test` lists the reasons. Only for what the machine cannot do, never for what the code
// cannot do yet.
#pragma once

#include <cstdio>

#define SKIP_TEST(reason)                   \
  do {                                      \
    std::printf("SKIPPED: %s\n", (reason)); \
    std::fflush(stdout);                    \
    return;                                 \
  } while (false)
