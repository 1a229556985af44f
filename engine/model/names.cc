#include "engine/model/names.h"

#include <string>

namespace ficus {
namespace {

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Error BadName(std::string_view what, std::string_view reason) {
  return {ErrorCode::kInvalidArgument, std::string(what) + " name " + std::string(reason)};
}

}  // namespace

Result<> CheckName(std::string_view what, std::string_view name) {
  if (name.empty()) return BadName(what, "is empty");
  if (name.size() > kNameBytesMax) {
    return BadName(what, "has " + std::to_string(name.size()) + " bytes, more than " +
                             std::to_string(kNameBytesMax));
  }
  // This also refuses "." and "..".
  if (!IsLetterOrDigit(name.front()) && name.front() != '_') {
    return BadName(what, "does not start with a letter, a digit or '_'");
  }
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!IsLetterOrDigit(c) && c != '_' && c != '-' && c != '.') {
      return BadName(what, "has a character at byte " + std::to_string(i) +
                               " that is not a letter, a digit, '_', '-' or '.'");
    }
  }
  return Ok();
}

Result<> CheckGroupName(std::string_view name) {
  RETURN_IF_ERROR(CheckName("group", name));
  if (name.substr(0, kSchemaGroup.size()) == kSchemaGroup) {
    return BadName("group",
                   "starts with \"" + std::string(kSchemaGroup) + "\", which the node keeps");
  }
  return Ok();
}

}  // namespace ficus
