// Small files of an administrator, read whole: configurations, users, keys.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <sys/stat.h>

#include "engine/base/result.h"

namespace ficus {

// The bytes of a regular file; nothing else is waited for or read. kNotFound, kIo with the system's
// reason, kResourceExhausted when it holds more than `bytes_max`; the messages do not name the path
// and hold no bytes of the file. `check` may refuse the opened file by what it is before a byte is
// read. Any thread; may block on a disk.
Result<std::string> ReadRegularFile(const std::string& path, size_t bytes_max,
                                    const std::function<Result<>(const struct stat&)>& check = {});

// kNotFound or kIo, with the system's words for an errno.
Error FileError(int number);

// "is larger than 10 bytes"
Error TooLargeError(size_t bytes_max);

}  // namespace ficus
