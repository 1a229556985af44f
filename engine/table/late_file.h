// Files that could not be opened when their table was, although nothing proves them damaged: too
// few descriptors, no permission, an error of the device.
//
// They stay where they are and stay named. What is made here knows what the manifest says of the
// file, and each use of anything else tries to open it again: either it succeeds, and from then on
// the file is like any other, or the use fails with the error, which names the file. kCorruption:
// by now it is proved that the file is damaged.
#pragma once

#include <memory>
#include <string>

#include "engine/index/index_run.h"
#include "engine/io/file_system.h"
#include "engine/part/part.h"
#include "engine/table/snapshot.h"

namespace ficus {

std::shared_ptr<const Part> OpenPartLater(FileSystem& fs, std::string path, const PartInfo& info);
std::shared_ptr<const IndexRun> OpenIndexRunLater(FileSystem& fs, std::string path,
                                                  const IndexRunInfo& info);

// Tries to open what of `snapshot` is not open yet, for a job that is about to choose among its
// files.
void OpenLateFiles(const Snapshot& snapshot, FileClass file_class);

}  // namespace ficus
