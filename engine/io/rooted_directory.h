// A directory out of which no path leads, whatever symbolic links lie below it.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

#include "engine/base/result.h"
#include "engine/io/file_descriptor.h"

namespace ficus {

// All members: any thread. Paths are those of FileSystem and were checked by CheckRelativePath; the
// empty one is the root. Results are errno numbers, 0 for success.
class RootedDirectory {
 public:
  enum class Resolution {
    kKernel,      // openat2 with RESOLVE_BENEATH and no symbolic links
    kComponents,  // one openat with O_NOFOLLOW per name: for kernels and sandboxes without openat2
  };

  // `root` must be a directory; it may be reached through symbolic links.
  static Result<RootedDirectory> Open(std::string_view root, Resolution resolution);

  int OpenFile(std::string_view path, int flags, mode_t mode, FileDescriptor& file) const;
  // To list and to sync.
  int OpenDirectory(std::string_view path, FileDescriptor& directory) const;
  // The directory of the last name, good as the first argument of the ...at system calls.
  int OpenParent(std::string_view path, FileDescriptor& parent) const;

  int descriptor() const { return root_.number(); }
  Resolution resolution() const { return resolution_; }

 private:
  RootedDirectory(FileDescriptor root, Resolution resolution)
      : root_(std::move(root)), resolution_(resolution) {}

  int OpenBelow(std::string_view path, int flags, mode_t mode, FileDescriptor& file) const;
  int OpenByComponents(std::string_view path, int flags, mode_t mode, FileDescriptor& file) const;

  FileDescriptor root_;
  Resolution resolution_;
};

}  // namespace ficus
