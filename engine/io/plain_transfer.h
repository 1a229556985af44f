// Transfers by pread, pwrite and fsync, on the thread that asks for them.
#pragma once

#include <span>

#include "engine/io/transfer.h"

namespace ficus {

// Brings one transfer that waits for no other to its end.
void RunToEnd(Transfer& transfer, const TransferHook& hook);

// Brings all to their ends, one after the other; a sync after its writes, or not at all when one of
// them failed.
void RunOneByOne(std::span<Transfer> transfers, const TransferHook& hook);

}  // namespace ficus
