// What a process that breaks down leaves behind.
#pragma once

namespace ficus {

// From now on a signal that means a broken program (SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE)
// writes to standard error which thread met it and the functions it was in, innermost first; then
// the process ends by that signal, with a core where the system makes one. `program` is argv[0].
// Once, before other threads start.
void ReportBreakdowns(const char* program);

}  // namespace ficus
