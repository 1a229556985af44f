// A transfer by the calling thread itself: pread, pwrite, fsync.
#pragma once

#include "engine/io/transfer.h"

namespace ficus {

// Until nothing of it is left to be done.
void RunToEnd(Transfer& transfer, const TransferHook& hook);

}  // namespace ficus
