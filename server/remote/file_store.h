// An object store that is a folder of a file system: the key of an object is the path of its file.
//
// A file is written aside, in the hidden folder ".ficus-tmp", synced, then renamed (linked where
// the key must be absent), and the folders on its way are synced: after a power cut an object is
// the old one or the new one. Whatever changes the name of an object holds the lock of its key, so
// that conditions hold between processes, too. Folders exist only while objects lie in them.
//
// No key leads out of the folder, whatever symbolic links lie in it. Only regular files whose path
// is a key are objects; other things are neither listed nor read nor replaced.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "engine/io/file_system.h"
#include "server/remote/file_stamps.h"
#include "server/remote/object_store.h"

namespace ficus {

enum class MissingFolder : uint8_t {
  kCreate,  // durably
  kRefuse,  // kNotFound
};

struct FileStoreOptions {
  MissingFolder missing = MissingFolder::kCreate;
  DiskOptions disk = {.engine = IoEngine::kThreads};
  const Clock* clock = nullptr;    // null: the system's
  RandomSource* random = nullptr;  // null: the system's
};

// `folder` is an absolute path. Nothing is written before the first put, copy or delete, so that a
// read-only folder can be read.
Result<std::unique_ptr<ObjectStore>> OpenFileStore(std::string_view folder,
                                                   FileStoreOptions options);

// Over any file system, the root of which is the folder. All outlive the store but `stamps`.
std::unique_ptr<ObjectStore> MakeFileStore(FileSystem& fs, std::unique_ptr<FileStamps> stamps,
                                           RandomSource& random, std::string url);

}  // namespace ficus
