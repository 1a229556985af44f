#include "test/torture/fault_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace ficus {
namespace {

constexpr char kVariable[] = "FICUS_FAULT_CONTROL";

}  // namespace

FaultFile::FaultFile(std::string path) : path_(std::move(path)) {
  Write("");
  ::setenv(kVariable, path_.c_str(), 1);
}

FaultFile::~FaultFile() { ::unsetenv(kVariable); }

void FaultFile::Write(const std::string& rules) {
  const std::string whole = path_ + ".new";
  // Empty lines mean nothing, and tell one text from the next.
  std::ofstream(whole) << rules << std::string(static_cast<size_t>(++writes_ % 2 + 1), '\n');
  std::filesystem::rename(whole, path_);
}

bool FaultFile::Impose(Node& node, const std::string& rules) {
  const size_t before = node.log().size();
  Write(rules);
  return WaitUntil([&] {
           return node.log().find("faults.obeyed", before) != std::string::npos ||
                  !node.process().Running();
         }) &&
         node.process().Running();
}

}  // namespace ficus
