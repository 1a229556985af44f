#include "server/ctl/message_text.h"

#include <cctype>
#include <cmath>
#include <vector>

#include <fmt/core.h>
#include <google/protobuf/timestamp.pb.h>

#include "server/ctl/quantity_text.h"

namespace ficus {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string EnumWord(const EnumValueDescriptor& value) {
  const std::string word = EnumText(value);
  return word.empty() ? "null" : QuotedJson(word);
}

bool IsTime(const Message& message) {
  return message.GetDescriptor() == google::protobuf::Timestamp::descriptor();
}

std::string TimeWord(const Message& message) {
  google::protobuf::Timestamp time;
  time.CopyFrom(message);
  return QuotedJson(ExactTimeText(time));
}

std::string NumberWord(double number) {
  return std::isfinite(number) ? fmt::format("{}", number) : "null";
}

// A value that is no message; `index` is negative for a single one.
std::string ScalarWord(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool many = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? reflection.GetRepeatedBool(message, &field, index)
                   : reflection.GetBool(message, &field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(many ? reflection.GetRepeatedInt32(message, &field, index)
                                 : reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? reflection.GetRepeatedUInt32(message, &field, index)
                                 : reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(many ? reflection.GetRepeatedInt64(message, &field, index)
                                 : reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(many ? reflection.GetRepeatedUInt64(message, &field, index)
                                 : reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberWord(many ? reflection.GetRepeatedDouble(message, &field, index)
                             : reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return NumberWord(
          static_cast<double>(many ? reflection.GetRepeatedFloat(message, &field, index)
                                   : reflection.GetFloat(message, &field)));
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumWord(many ? *reflection.GetRepeatedEnum(message, &field, index)
                           : *reflection.GetEnum(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return QuotedJson(many ? reflection.GetRepeatedString(message, &field, index)
                             : reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return "null";
}

bool IsAbsent(const Message& message, const FieldDescriptor& field) {
  return field.has_presence() && !message.GetReflection()->HasField(message, &field);
}

const Message& MessageAt(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  return index >= 0 ? reflection.GetRepeatedMessage(message, &field, index)
                    : reflection.GetMessage(message, &field);
}

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

void AppendJson(const Message& message, std::string& text);

void AppendJsonValue(const Message& message, const FieldDescriptor& field, int index,
                     std::string& text) {
  if (IsMessage(field)) {
    AppendJson(MessageAt(message, field, index), text);
  } else {
    text += ScalarWord(message, field, index);
  }
}

void AppendJson(const Message& message, std::string& text) {
  if (IsTime(message)) {
    text += TimeWord(message);
    return;
  }
  const Descriptor& type = *message.GetDescriptor();
  text += '{';
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (i > 0) text += ',';
    text += '"' + field.name() + "\":";
    if (field.is_repeated()) {
      text += '[';
      const int count = message.GetReflection()->FieldSize(message, &field);
      for (int item = 0; item < count; ++item) {
        if (item > 0) text += ',';
        AppendJsonValue(message, field, item, text);
      }
      text += ']';
    } else if (IsAbsent(message, field)) {
      text += "null";
    } else {
      AppendJsonValue(message, field, -1, text);
    }
  }
  text += '}';
}

// Each line begins with `indent` spaces, the first one with `first` instead of its own indent.
void AppendYaml(const Message& message, size_t indent, const std::string& first,
                std::string& text) {
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    text += i == 0 ? first : std::string(indent, ' ');
    text += field.name() + ':';
    const int count =
        field.is_repeated() ? message.GetReflection()->FieldSize(message, &field) : -1;
    if (count == 0) {
      text += " []\n";
    } else if (count > 0) {
      text += '\n';
      for (int item = 0; item < count; ++item) {
        const std::string dash = std::string(indent, ' ') + "- ";
        if (IsMessage(field) && !IsTime(MessageAt(message, field, item))) {
          AppendYaml(MessageAt(message, field, item), indent + 2, dash, text);
        } else {
          text += dash;
          AppendJsonValue(message, field, item, text);
          text += '\n';
        }
      }
    } else if (IsAbsent(message, field)) {
      text += " null\n";
    } else if (IsMessage(field) && !IsTime(MessageAt(message, field, -1))) {
      text += '\n';
      AppendYaml(MessageAt(message, field, -1), indent + 2, std::string(indent + 2, ' '), text);
    } else {
      text += ' ';
      AppendJsonValue(message, field, -1, text);
      text += '\n';
    }
  }
}

}  // namespace

std::string EnumText(const EnumValueDescriptor& value) {
  if (value.number() == 0) return "";
  std::string prefix;  // RUN_PHASE_ of RunPhase
  for (const char c : value.type()->name()) {
    if (std::isupper(static_cast<unsigned char>(c)) != 0 && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  prefix += '_';
  std::string word = value.name();
  if (word.compare(0, prefix.size(), prefix) == 0) word = word.substr(prefix.size());
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

std::string QuotedJson(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\u{:04x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string MessageJson(const Message& message) {
  std::string text;
  AppendJson(message, text);
  return text;
}

std::string MessageYaml(const Message& message) {
  std::string text;
  AppendYaml(message, 0, "", text);
  return text;
}

}  // namespace ficus
