// Protobuf messages as JSON and YAML with the field names of the .proto, for scripts.
//
// Unlike protobuf's own JSON: numbers of 64 bits are numbers, every field is there (null when it is
// absent), enums are the word without its prefix in lower case ("upload"; null when unspecified),
// times are RFC 3339 with nine digits.
#pragma once

#include <string>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>
#include <google/protobuf/message.h>

namespace ficus {

// One line without a line end.
std::string MessageJson(const google::protobuf::Message& message);
// Whole lines.
std::string MessageYaml(const google::protobuf::Message& message);
// The word of an enum's value without its prefix: "upload"; empty when unspecified.
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);
template <typename Enum>
std::string EnumText(Enum value) {
  const google::protobuf::EnumValueDescriptor* const descriptor =
      google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return descriptor == nullptr ? std::to_string(value) : EnumText(*descriptor);
}
// `text` in quotes, for both.
std::string QuotedJson(const std::string& text);

}  // namespace ficus
