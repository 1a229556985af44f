// The disk through pread and pwrite: what stands behind io_uring where that is not allowed.
#pragma once

#include <memory>
#include <string_view>

#include "engine/io/posix_file_system.h"

namespace ficus {

// Single operations run on the calling thread; batches are spread over it and a small pool. `root`
// must be a directory.
Result<std::unique_ptr<FileSystem>> OpenThreadFileSystem(std::string_view root,
                                                         PosixOptions options);

}  // namespace ficus
