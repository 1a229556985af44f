// What tells one file under a name from another one that lies there later.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

struct FileStamp {
  enum class Kind : uint8_t {
    kObject,  // a regular file
    kFolder,
    kForeign,  // a symbolic link, a socket, ...
  };
  Kind kind = Kind::kObject;
  uint64_t size_bytes = 0;
  std::string etag;  // of an object
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// All members: any thread. Paths are those of a FileSystem.
class FileStamps {
 public:
  virtual ~FileStamps() = default;

  // None when nothing lies there, also when something above is no folder.
  virtual Result<std::optional<FileStamp>> Look(std::string_view path) = 0;
  // Makes the etag of a new file differ from that of every other one; before it is synced.
  virtual Result<> Mark(std::string_view path) = 0;
};

// Of a folder of the machine. An inode number is used again soon after its file has gone, and the
// clock of a file system ticks slowly, so Mark sets the nanoseconds of the modification time at
// random: an etag is inode, modification time and size.
Result<std::unique_ptr<FileStamps>> OpenFileStamps(std::string_view root, const Clock& clock,
                                                   RandomSource& random);

// Of a file system whose inode numbers are never used again, such as one in memory. `fs` outlives
// it.
std::unique_ptr<FileStamps> StampsByInode(FileSystem& fs);

}  // namespace ficus
