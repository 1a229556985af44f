#include "engine/table/file_numbers.h"

#include "engine/index/index_run.h"
#include "engine/part/part.h"

namespace ficus {

FileNumber FileNumbers::Take(std::string (*name_of)(FileNumber)) {
  MutexLock lock(mutex_);
  const FileNumber number = next_;
  next_ = number.Next();
  unnamed_.insert(name_of(number));
  return number;
}

FileNumber FileNumbers::TakePart() { return Take(PartFileName); }

FileNumber FileNumbers::TakeIndexRun() { return Take(IndexRunFileName); }

FileNumbers::State FileNumbers::Get() const {
  MutexLock lock(mutex_);
  return {next_, unnamed_};
}

void FileNumbers::Settle(const std::string& name) {
  MutexLock lock(mutex_);
  unnamed_.erase(name);
}

}  // namespace ficus
