#include "server/rpc/parsed_size.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include <fmt/core.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>

namespace ficus {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// As protobuf's own reader has it unless it is told otherwise.
constexpr int kDepthMax = 100;
// What the heap adds to an object, and a repeated field's pointers when they double.
constexpr size_t kObjectOverhead = 16 + 2 * sizeof(void*);
constexpr size_t kTextBytes = sizeof(std::string) + kObjectOverhead;
// A value of a repeated field that doubles; a field that this build does not know.
constexpr size_t kScalarBytes = 2 * sizeof(uint64_t);
constexpr size_t kUnknownBytes = 48;
constexpr size_t kUnknownSetBytes = 64;  // what the first of them brings along
constexpr size_t kMapEntryBytes = 160;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// Reads a message from the front.
class Wire {
 public:
  explicit Wire(std::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes_.size() && i < 10; ++i) {
      const auto byte = static_cast<uint8_t>(bytes_[i]);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) != 0) continue;
      bytes_.remove_prefix(i + 1);
      return value;
    }
    return std::nullopt;
  }
  std::optional<std::string_view> Take(uint64_t size) {
    if (size > bytes_.size()) return std::nullopt;
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  // What stands behind the tag of a value that has no length.
  bool Skip(uint32_t type) {
    if (type == kVarint) return Varint().has_value();
    if (type == kFixed64) return Take(8).has_value();
    return type == kFixed32 && Take(4).has_value();
  }

 private:
  std::string_view bytes_;
};

struct Shape;

struct Field {
  enum class Kind { kScalar, kText, kMessage };

  Kind kind = Kind::kScalar;
  const Shape* message = nullptr;  // of kMessage
  uint32_t wire_type = kLength;    // of a value that stands alone
  bool may_be_packed = false;

  // Protobuf keeps a value in another form than its field's as one that it does not know.
  bool Takes(uint32_t type) const {
    return type == wire_type || (type == kLength && may_be_packed);
  }
};

uint32_t WireTypeOf(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return kFixed32;
    default:
      return kVarint;
  }
}

// What is known of a kind of message.
struct Shape {
  size_t bytes = 0;  // of an empty one
  std::unordered_map<uint32_t, Field> fields;
};

size_t BytesOfEmpty(const Descriptor& message) {
  // An entry of a map has no prototype that can be asked.
  if (message.options().map_entry()) return kMapEntryBytes;
  return google::protobuf::MessageFactory::generated_factory()
      ->GetPrototype(&message)
      ->SpaceUsedLong();
}

// One walk over the bytes of a message, with what it has found so far.
class Walk {
 public:
  explicit Walk(size_t bytes_max) : bytes_max_(bytes_max) {}

  size_t found() const { return found_; }

  Result<> Message(const Shape& shape, std::string_view bytes, int depth) {
    if (depth > kDepthMax) return NoMessage();
    RETURN_IF_ERROR(Add(shape.bytes + kObjectOverhead));
    bool all_known = true;
    for (Wire wire(bytes); !wire.empty();) {
      const std::optional<uint64_t> tag = wire.Varint();
      if (!tag.has_value() || *tag >> 3 == 0 || *tag > UINT32_MAX) return NoMessage();
      const auto field = shape.fields.find(static_cast<uint32_t>(*tag >> 3));
      const auto type = static_cast<uint32_t>(*tag & 7);
      const bool known = field != shape.fields.end() && field->second.Takes(type);
      if (all_known && !known) RETURN_IF_ERROR(Add(kUnknownSetBytes));
      all_known = all_known && known;
      RETURN_IF_ERROR(Value(known ? &field->second : nullptr, type, wire, depth));
    }
    return Ok();
  }

 private:
  static Error NoMessage() {
    return {ErrorCode::kInvalidArgument, "the request is no message that can be read"};
  }

  Result<> Value(const Field* field, uint32_t type, Wire& wire, int depth) {
    if (type != kLength) {
      if (!wire.Skip(type)) return NoMessage();
      return Add(field == nullptr ? kUnknownBytes : kScalarBytes);
    }
    const std::optional<uint64_t> size = wire.Varint();
    const std::optional<std::string_view> value =
        size.has_value() ? wire.Take(*size) : std::nullopt;
    if (!value.has_value()) return NoMessage();
    if (field == nullptr) return Add(kUnknownBytes + kTextBytes + value->size());
    switch (field->kind) {
      case Field::Kind::kMessage:
        return Message(*field->message, *value, depth + 1);
      case Field::Kind::kText:
        return Add(kTextBytes + value->size());
      case Field::Kind::kScalar:  // packed: a byte each at least
        return Add(value->size() * kScalarBytes);
    }
    return Ok();
  }

  Result<> Add(size_t bytes) {
    found_ += bytes;
    if (found_ <= bytes_max_) return Ok();
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("the request would take more than {} MiB of memory; ask for less",
                             bytes_max_ >> 20)};
  }

  const size_t bytes_max_;
  size_t found_ = 0;
};

}  // namespace

struct ParsedSize::Shapes {
  std::map<const Descriptor*, Shape> by_message;  // its addresses stay
  const Shape* root = nullptr;

  // Messages may hold themselves: a shape is known before its fields are.
  const Shape* Of(const Descriptor* message) {
    const auto [found, is_new] = by_message.try_emplace(message);
    Shape& shape = found->second;
    if (!is_new) return &shape;
    shape.bytes = BytesOfEmpty(*message);
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor& field = *message->field(i);
      Field& known = shape.fields[static_cast<uint32_t>(field.number())];
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        known.kind = Field::Kind::kMessage;
        known.message = Of(field.message_type());
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        known.kind = Field::Kind::kText;
      } else {
        known.wire_type = WireTypeOf(field);
        known.may_be_packed = field.is_repeated();
      }
    }
    return &shape;
  }
};

ParsedSize::ParsedSize(const Descriptor* message) {
  auto shapes = std::make_unique<Shapes>();
  shapes->root = shapes->Of(message);
  shapes_ = std::move(shapes);
}

ParsedSize::~ParsedSize() = default;

Result<size_t> ParsedSize::Of(std::string_view bytes, size_t bytes_max) const {
  Walk walk(bytes_max);
  RETURN_IF_ERROR(walk.Message(*shapes_->root, bytes, 0));
  return walk.found();
}

}  // namespace ficus
