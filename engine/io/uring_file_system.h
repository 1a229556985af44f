// The disk through io_uring.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/io/posix_file_system.h"
#include "engine/io/ring_pool.h"

namespace ficus {

struct UringOptions {
  PosixOptions posix = {};
  uint32_t queue_depth = 256;
  size_t rings_max = RingPool::kRingsMax;
};

// Every read, write and sync of file data is an entry of a ring: that of the calling thread. `root`
// must be a directory. kUnavailable with the cause when no ring can be set up.
Result<std::unique_ptr<FileSystem>> OpenUringFileSystem(std::string_view root,
                                                        UringOptions options);

}  // namespace ficus
