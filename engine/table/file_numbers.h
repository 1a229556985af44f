// Gives numbers to the files that a table's jobs write, and knows which of these no manifest names.
//
// A job that dies leaves its file behind, under a number that the manifest of another job may have
// passed meanwhile. So every manifest lists the files of jobs under way beside those that are
// obsolete: a file that is in neither list was once live, and is never removed on a guess.
#pragma once

#include <set>
#include <string>

#include "engine/base/mutex.h"
#include "engine/model/ids.h"

namespace ficus {

// Threads: any.
class FileNumbers {
 public:
  // `next` is the first number to give.
  explicit FileNumbers(FileNumber next) : next_(next) {}

  // No number is given twice. The file is unnamed until Settle.
  FileNumber TakePart();
  FileNumber TakeIndexRun();

  struct State {
    FileNumber next;  // no file of this number or above was given
    std::set<std::string> unnamed;
  };
  State Get() const;

  // A durable manifest names `name`, or there is no such file.
  void Settle(const std::string& name);

 private:
  FileNumber Take(std::string (*name_of)(FileNumber));

  mutable Mutex mutex_;
  FileNumber next_ GUARDED_BY(mutex_);
  std::set<std::string> unnamed_ GUARDED_BY(mutex_);
};

}  // namespace ficus
