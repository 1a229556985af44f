#include "server/ingest/wire_walker.h"

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/utf8.h"
#include "engine/model/entity.h"
#include "server/ingest/wire_reader.h"

namespace ficus {
namespace {

constexpr uint32_t Varint(uint32_t field) { return WireTag(field, WireType::kVarint); }
constexpr uint32_t Fixed64(uint32_t field) { return WireTag(field, WireType::kFixed64); }
constexpr uint32_t Bytes(uint32_t field) { return WireTag(field, WireType::kBytes); }

// Most strings are ASCII, which eight bytes at a time tell.
bool IsText(std::string_view bytes) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const size_t size = bytes.size();
  uint64_t seen = 0;
  if (size >= sizeof seen) {
    for (size_t i = 0; i + sizeof seen <= size; i += sizeof seen) {
      seen |= LoadLittle<uint64_t>(bytes.data() + i);
    }
    seen |= LoadLittle<uint64_t>(bytes.data() + size - sizeof seen);
  } else {
    for (const char byte : bytes) seen |= static_cast<uint8_t>(byte);
  }
  return (seen & kHighBits) == 0 || IsUtf8(bytes);
}

// The shape that nearly every value has: one member, a message with nothing but its field 1. The
// bytes behind that field's tag; nothing for any other shape, which is read the long way.
inline std::string_view OnlyMember(std::string_view body, uint32_t member, uint32_t field) {
  constexpr size_t kHead = 3;  // two tags and a length, all of one byte
  const size_t size = body.size();
  if (size <= kHead || size > 0x7F) return {};
  if (body[0] != static_cast<char>(member) || body[1] != static_cast<char>(size - 2) ||
      body[2] != static_cast<char>(field)) {
    return {};
  }
  return body.substr(kHead);
}

// Calls `on_element` with each element of a StrArray's body; false when the body is malformed.
template <typename OnElement>
bool WalkStringArray(std::string_view body, int depth, OnElement on_element) {
  for (WireReader in(body); !in.AtEnd();) {
    uint32_t tag = 0;
    if (!in.ReadTag(tag)) return false;
    if (tag == Bytes(1)) {
      std::string_view element;
      if (!in.ReadBytes(element) || !on_element(element)) return false;
    } else if (!in.Skip(tag, depth)) {
      return false;
    }
  }
  return true;
}

// The same for an IntArray's: packed elements, single ones, or a mixture.
template <typename OnElement>
bool WalkInt64Array(std::string_view body, int depth, OnElement on_element) {
  for (WireReader in(body); !in.AtEnd();) {
    uint32_t tag = 0;
    uint64_t number = 0;
    if (!in.ReadTag(tag)) return false;
    if (tag == Bytes(1)) {
      std::string_view packed;
      if (!in.ReadBytes(packed)) return false;
      for (WireReader run(packed); !run.AtEnd();) {
        if (!run.ReadVarint(number) || !on_element(number)) return false;
      }
    } else if (tag == Varint(1)) {
      if (!in.ReadVarint(number) || !on_element(number)) return false;
    } else if (!in.Skip(tag, depth)) {
      return false;
    }
  }
  return true;
}

// One function per message. `depth` is what is left of kWireDepthMax inside of it.
class Walker {
 public:
  Walker(std::string_view bytes, WriteRequestView& view)
      : buffer_end_(bytes.data() + bytes.size()), view_(view) {}

  bool too_many() const { return items_ > kWireItemsMax; }

  bool Request(std::string_view body, int depth) {
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      std::string_view bytes;
      if (!in.ReadTag(tag)) return false;
      switch (tag) {
        case Bytes(1):
          view_.has_metadata = true;
          if (!in.ReadBytes(bytes) || !Metadata(bytes, depth - 1)) return false;
          break;
        case Bytes(2):
          view_.has_data_point = true;
          if (!in.ReadBytes(bytes) || !DataPoint(bytes, depth - 1)) return false;
          break;
        case Varint(3):
          if (!in.ReadVarint(view_.message_id)) return false;
          break;
        case Bytes(4):
          view_.has_spec = true;
          if (!in.ReadBytes(bytes) || !Spec(bytes, depth - 1)) return false;
          break;
        default:
          if (!in.Skip(tag, depth)) return false;
      }
    }
    return true;
  }

 private:
  // Counts an item; false when there are too many.
  bool Count() { return ++items_ <= kWireItemsMax; }

  static bool ReadString(WireReader& in, std::string_view& text) {
    return in.ReadBytes(text) && IsText(text);
  }

  template <typename T>
  static bool ReadInteger(WireReader& in, T& value) {
    uint64_t number = 0;
    if (!in.ReadVarint(number)) return false;
    value = static_cast<T>(number);
    return true;
  }

  bool Metadata(std::string_view body, int depth) {
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      bool ok = true;
      switch (tag) {
        case Bytes(1):
          ok = ReadString(in, view_.metadata.group);
          break;
        case Bytes(2):
          ok = ReadString(in, view_.metadata.name);
          break;
        case Varint(3):
          ok = ReadInteger(in, view_.metadata.id);
          break;
        case Varint(4):
          ok = ReadInteger(in, view_.metadata.create_revision);
          break;
        case Varint(5):
          ok = ReadInteger(in, view_.metadata.mod_revision);
          break;
        default:
          ok = in.Skip(tag, depth);
      }
      if (!ok) return false;
    }
    return true;
  }

  bool DataPoint(std::string_view body, int depth) {
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      std::string_view bytes;
      if (!in.ReadTag(tag)) return false;
      switch (tag) {
        case Bytes(1):
          view_.has_timestamp = true;
          if (!in.ReadBytes(bytes)) return false;
          if (!Timestamp(bytes, depth - 1, view_.timestamp.seconds, view_.timestamp.nanos)) {
            return false;
          }
          break;
        case Bytes(2):
          if (!in.ReadBytes(bytes) || !Family(bytes, depth - 1)) return false;
          break;
        case Bytes(3):
          if (!in.ReadBytes(bytes) || !Count()) return false;
          if (!FieldValue(bytes, depth - 1, view_.fields.emplace_back())) return false;
          break;
        case Varint(4):
          if (!ReadInteger(in, view_.version)) return false;
          break;
        default:
          if (!in.Skip(tag, depth)) return false;
      }
    }
    return true;
  }

  bool Timestamp(std::string_view body, int depth, int64_t& seconds, int32_t& nanos) {
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      bool ok = true;
      if (tag == Varint(1)) {
        ok = ReadInteger(in, seconds);
      } else if (tag == Varint(2)) {
        ok = ReadInteger(in, nanos);
      } else {
        ok = in.Skip(tag, depth);
      }
      if (!ok) return false;
    }
    return true;
  }

  bool Family(std::string_view body, int depth) {
    if (!Count()) return false;
    const auto first = static_cast<uint32_t>(view_.tags.size());
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      if (tag == Bytes(1)) {
        std::string_view bytes;
        if (!in.ReadBytes(bytes) || !Count()) return false;
        if (!TagValue(bytes, depth - 1, view_.tags.emplace_back())) return false;
      } else if (!in.Skip(tag, depth)) {
        return false;
      }
    }
    view_.families.push_back({first, static_cast<uint32_t>(view_.tags.size()) - first});
    return true;
  }

  // Another member of the oneof replaces the one there was; the same one is merged into.
  void Become(ValueKind kind, ValueView& value) {
    if (value.kind == kind) return;
    value = ValueView();
    value.kind = kind;
    value.array.first = static_cast<uint32_t>(view_.array_messages.size());
  }

  // `value` is as new.
  bool TagValue(std::string_view body, int depth, ValueView& value) {
    if (OnlyString(body, Bytes(2), value) || OnlyInt(body, Bytes(4), value)) return true;
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      bool ok = true;
      switch (tag) {
        case Varint(1):
          ok = NullMember(in, value);
          break;
        case Bytes(2):
          ok = StringMember(in, depth, value);
          break;
        case Bytes(3):
          ok = StringArrayMember(in, depth, value);
          break;
        case Bytes(4):
          ok = NumberMember(in, depth, ValueKind::kInt, value);
          break;
        case Bytes(5):
          ok = Int64ArrayMember(in, depth, value);
          break;
        case Bytes(6):
          ok = BinaryMember(in, value);
          break;
        case Bytes(7):
          ok = TimestampMember(in, depth, value);
          break;
        default:
          ok = in.Skip(tag, depth);
      }
      if (!ok) return false;
    }
    return true;
  }

  bool FieldValue(std::string_view body, int depth, ValueView& value) {
    if (OnlyInt(body, Bytes(3), value) || OnlyFloat(body, Bytes(5), value)) return true;
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      bool ok = true;
      switch (tag) {
        case Varint(1):
          ok = NullMember(in, value);
          break;
        case Bytes(2):
          ok = StringMember(in, depth, value);
          break;
        case Bytes(3):
          ok = NumberMember(in, depth, ValueKind::kInt, value);
          break;
        case Bytes(4):
          ok = BinaryMember(in, value);
          break;
        case Bytes(5):
          ok = NumberMember(in, depth, ValueKind::kFloat, value);
          break;
        default:
          ok = in.Skip(tag, depth);
      }
      if (!ok) return false;
    }
    return true;
  }

  // The short ways. False: read it the long way.
  static bool OnlyString(std::string_view body, uint32_t member, ValueView& value) {
    const std::string_view rest = OnlyMember(body, member, Bytes(1));
    if (rest.empty() || rest[0] != static_cast<char>(rest.size() - 1)) return false;
    const std::string_view text = rest.substr(1);
    if (!IsText(text)) return false;
    value.kind = ValueKind::kString;
    value.bytes = text;
    return true;
  }

  bool OnlyInt(std::string_view body, uint32_t member, ValueView& value) {
    const std::string_view rest = OnlyMember(body, member, Varint(1));
    if (rest.empty()) return false;
    WireReader in(rest, buffer_end_);
    uint64_t number = 0;
    if (!in.ReadVarint(number) || !in.AtEnd()) return false;
    value.kind = ValueKind::kInt;
    value.word = number;
    return true;
  }

  static bool OnlyFloat(std::string_view body, uint32_t member, ValueView& value) {
    const std::string_view rest = OnlyMember(body, member, Fixed64(1));
    if (rest.size() != sizeof(uint64_t)) return false;
    value.kind = ValueKind::kFloat;
    value.word = LoadLittle<uint64_t>(rest.data());
    return true;
  }

  bool NullMember(WireReader& in, ValueView& value) {
    uint64_t ignored = 0;
    Become(ValueKind::kNull, value);
    return in.ReadVarint(ignored);
  }

  bool BinaryMember(WireReader& in, ValueView& value) {
    Become(ValueKind::kBinary, value);
    return in.ReadBytes(value.bytes);
  }

  bool StringMember(WireReader& in, int depth, ValueView& value) {
    std::string_view body;
    if (!in.ReadBytes(body)) return false;
    Become(ValueKind::kString, value);
    for (WireReader message(body, buffer_end_); !message.AtEnd();) {
      uint32_t tag = 0;
      if (!message.ReadTag(tag)) return false;
      const bool ok =
          tag == Bytes(1) ? ReadString(message, value.bytes) : message.Skip(tag, depth - 1);
      if (!ok) return false;
    }
    return true;
  }

  // An Int or a Float: both have their number in field 1.
  bool NumberMember(WireReader& in, int depth, ValueKind kind, ValueView& value) {
    std::string_view body;
    if (!in.ReadBytes(body)) return false;
    Become(kind, value);
    const bool is_int = kind == ValueKind::kInt;
    const uint32_t number = is_int ? Varint(1) : Fixed64(1);
    for (WireReader message(body, buffer_end_); !message.AtEnd();) {
      uint32_t tag = 0;
      if (!message.ReadTag(tag)) return false;
      bool ok = true;
      if (tag != number) {
        ok = message.Skip(tag, depth - 1);
      } else {
        ok = is_int ? message.ReadVarint(value.word) : message.ReadFixed64(value.word);
      }
      if (!ok) return false;
    }
    return true;
  }

  bool TimestampMember(WireReader& in, int depth, ValueView& value) {
    std::string_view body;
    if (!in.ReadBytes(body)) return false;
    Become(ValueKind::kTimestamp, value);
    auto seconds = static_cast<int64_t>(value.word);
    const bool ok = Timestamp(body, depth - 1, seconds, value.nanos);
    value.word = static_cast<uint64_t>(seconds);
    return ok;
  }

  bool StringArrayMember(WireReader& in, int depth, ValueView& value) {
    std::string_view body;
    if (!in.ReadBytes(body)) return false;
    Become(ValueKind::kStringArray, value);
    return AddArrayMessage(body, value) &&
           WalkStringArray(body, depth - 1,
                           [](std::string_view element) { return IsText(element); });
  }

  // Its elements are counted: in a cell each takes eight bytes, on the wire perhaps one.
  bool Int64ArrayMember(WireReader& in, int depth, ValueView& value) {
    std::string_view body;
    if (!in.ReadBytes(body)) return false;
    Become(ValueKind::kIntArray, value);
    return AddArrayMessage(body, value) &&
           WalkInt64Array(body, depth - 1, [this](uint64_t) { return Count(); });
  }

  bool AddArrayMessage(std::string_view body, ValueView& value) {
    if (!Count()) return false;
    view_.array_messages.push_back(body);
    ++value.array.count;
    return true;
  }

  bool Spec(std::string_view body, int depth) {
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      bool ok = true;
      if (tag == Bytes(1)) {
        std::string_view bytes;
        ok = in.ReadBytes(bytes) && FamilySpec(bytes, depth - 1);
      } else if (tag == Bytes(2)) {
        ok = Count() && ReadString(in, view_.spec_fields.emplace_back());
      } else {
        ok = in.Skip(tag, depth);
      }
      if (!ok) return false;
    }
    return true;
  }

  bool FamilySpec(std::string_view body, int depth) {
    if (!Count()) return false;
    FamilySpecView family;
    family.tags.first = static_cast<uint32_t>(view_.spec_tags.size());
    for (WireReader in(body, buffer_end_); !in.AtEnd();) {
      uint32_t tag = 0;
      if (!in.ReadTag(tag)) return false;
      bool ok = true;
      if (tag == Bytes(1)) {
        ok = ReadString(in, family.name);
      } else if (tag == Bytes(2)) {
        ok = Count() && ReadString(in, view_.spec_tags.emplace_back());
        ++family.tags.count;
      } else {
        ok = in.Skip(tag, depth);
      }
      if (!ok) return false;
    }
    view_.spec_families.push_back(family);
    return true;
  }

  const char* const buffer_end_;
  WriteRequestView& view_;
  size_t items_ = 0;
};

// The elements were checked when the request was parsed.
template <typename OnElement>
void ForEachString(const WriteRequestView& view, const ValueView& value, OnElement on_element) {
  CHECK(value.kind == ValueKind::kStringArray);
  for (uint32_t i = 0; i < value.array.count; ++i) {
    CHECK(WalkStringArray(view.array_messages[value.array.first + i], kWireDepthMax,
                          [&](std::string_view element) {
                            on_element(element);
                            return true;
                          }));
  }
}

template <typename OnElement>
void ForEachInt64(const WriteRequestView& view, const ValueView& value, OnElement on_element) {
  CHECK(value.kind == ValueKind::kIntArray);
  for (uint32_t i = 0; i < value.array.count; ++i) {
    CHECK(WalkInt64Array(view.array_messages[value.array.first + i], kWireDepthMax,
                         [&](uint64_t element) {
                           on_element(element);
                           return true;
                         }));
  }
}

}  // namespace

Result<> ParseWriteRequest(std::string_view bytes, WriteRequestView& view) {
  view.Clear();
  Walker walker(bytes, view);
  if (walker.Request(bytes, kWireDepthMax)) return Ok();
  if (walker.too_many()) {
    return Error{ErrorCode::kResourceExhausted,
                 "write request: more than " + std::to_string(kWireItemsMax) + " values and names"};
  }
  return Error{ErrorCode::kInvalidArgument, "write request: malformed message"};
}

void AppendStringArrayCell(const WriteRequestView& view, const ValueView& value,
                           std::string& cell) {
  ForEachString(view, value, [&](std::string_view element) { PutLengthPrefixed(cell, element); });
}

void AppendInt64ArrayCell(const WriteRequestView& view, const ValueView& value, std::string& cell) {
  ForEachInt64(view, value, [&](uint64_t element) { PutLittle(cell, element); });
}

void AppendStringArrayShard(const WriteRequestView& view, const ValueView& value,
                            std::string& shard_bytes) {
  bool first = true;
  ForEachString(view, value, [&](std::string_view element) {
    if (!first) shard_bytes.push_back('\n');
    first = false;
    shard_bytes.append(element);
  });
}

void AppendInt64ArrayShard(const WriteRequestView& view, const ValueView& value,
                           std::string& shard_bytes) {
  ForEachInt64(view, value, [&](uint64_t element) {
    AppendShardInt(shard_bytes, static_cast<int64_t>(element));
  });
}

}  // namespace ficus
