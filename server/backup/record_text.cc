#include "server/backup/record_text.h"

#include <limits>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "engine/base/id.h"
#include "engine/base/utf8.h"
#include "server/backup/utc_time.h"

namespace ficus {
namespace {

constexpr uint64_t kVersion = 1;
constexpr uint64_t kKnownFeatures = 0;
constexpr uint32_t kDepthMax = 8;

constexpr std::string_view kSealBegin = ",\n\"checksum\": \"sha256:";
constexpr std::string_view kSealEnd = "\"\n}\n";
constexpr size_t kSealBytes = kSealBegin.size() + 64 + kSealEnd.size();

Error Broken(std::string_view kind, std::string_view what) {
  return {ErrorCode::kCorruption, std::string(kind) + ": " + std::string(what)};
}

std::string Seal(std::string_view lines) {
  std::string text(lines);
  text.append(kSealBegin).append(HexOf(Sha256Of(lines))).append(kSealEnd);
  return text;
}

bool EndsAsARecord(std::string_view text) {
  return text.size() >= kSealBytes &&
         text.substr(text.size() - kSealBytes, kSealBegin.size()) == kSealBegin &&
         text.substr(text.size() - kSealEnd.size()) == kSealEnd;
}

bool HasItsChecksum(std::string_view text) {
  if (!EndsAsARecord(text)) return false;
  Sha256 promised;
  const std::string_view digits = text.substr(text.size() - kSealEnd.size() - 64, 64);
  return ParseSha256(digits, promised) &&
         promised == Sha256Of(text.substr(0, text.size() - kSealBytes));
}

void AppendQuoted(std::string& text, std::string_view value) {
  text += boost::json::serialize(boost::json::string_view(value.data(), value.size()));
}

}  // namespace

void RecordMembers::Name(std::string_view name) {
  if (!text_.empty()) text_ += separator_;
  text_.append("\"").append(name).append("\": ");
}

void RecordMembers::Text(std::string_view name, std::string_view value) {
  Name(name);
  AppendQuoted(text_, IsUtf8(value) ? std::string(value) : ToUtf8(value));
}

void RecordMembers::Uint(std::string_view name, uint64_t value) {
  Name(name);
  text_ += std::to_string(value);
}

void RecordMembers::Hex(std::string_view name, uint64_t value) {
  Name(name);
  text_.append("\"").append(Hex16(value)).append("\"");
}

void RecordMembers::Hex32(std::string_view name, uint32_t value) {
  Name(name);
  text_.append("\"").append(Hex16(value).substr(8)).append("\"");
}

void RecordMembers::Bool(std::string_view name, bool value) {
  Name(name);
  text_ += value ? "true" : "false";
}

void RecordMembers::Time(std::string_view name, UnixNanos value) {
  Name(name);
  text_.append("\"").append(UtcText(value)).append("\"");
}

void RecordMembers::Hash(std::string_view name, const Sha256& value) {
  Name(name);
  text_.append("\"").append(HexOf(value)).append("\"");
}

void RecordMembers::Texts(std::string_view name, const std::vector<std::string>& values) {
  Name(name);
  text_ += "[";
  for (size_t i = 0; i < values.size(); ++i) {
    text_ += i == 0 ? "\n" : ",\n";
    AppendQuoted(text_, ToUtf8(values[i]));
  }
  text_ += "]";
}

void RecordMembers::Objects(std::string_view name, size_t count,
                            const std::function<void(size_t i, RecordMembers& members)>& fill) {
  Name(name);
  text_ += "[";
  for (size_t i = 0; i < count; ++i) {
    RecordMembers members(", ");
    fill(i, members);
    text_.append(i == 0 ? "\n{" : ",\n{").append(members.text()).append("}");
  }
  text_ += "]";
}

std::string SealRecord(std::string_view kind, const RecordMembers& members) {
  RecordMembers head(",\n");
  head.Text("ficus", kind);
  head.Uint("version", kVersion);
  head.Hex("required_features", 0);
  return Seal("{\n" + head.text() + ",\n" + members.text());
}

std::string MemberReader::Text(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value != nullptr && value->is_string()) {
    return std::string(value->get_string().data(), value->get_string().size());
  }
  Refuse(name);
  return {};
}

uint32_t MemberReader::Hex32(std::string_view name) {
  const boost::json::value* value = Find(name);
  uint64_t number = 0;
  if (value != nullptr && value->is_string() && value->get_string().size() == 8 &&
      ParseHex16("00000000" + std::string(value->get_string().data(), 8), number)) {
    return static_cast<uint32_t>(number);
  }
  Refuse(name);
  return 0;
}

UnixNanos MemberReader::Time(std::string_view name) {
  const boost::json::value* value = Find(name);
  UnixNanos time = 0;
  if (value != nullptr && value->is_string() && ParseUtcText(value->get_string(), time)) {
    return time;
  }
  Refuse(name);
  return 0;
}

Sha256 MemberReader::Hash(std::string_view name) {
  const boost::json::value* value = Find(name);
  Sha256 hash{};
  if (value != nullptr && value->is_string() && ParseSha256(value->get_string(), hash)) {
    return hash;
  }
  Refuse(name);
  return {};
}

std::vector<std::string> MemberReader::Texts(std::string_view name) {
  std::vector<std::string> texts;
  const boost::json::value* value = Find(name);
  if (value == nullptr || !value->is_array()) {
    Refuse(name);
    return texts;
  }
  texts.reserve(value->get_array().size());
  for (const boost::json::value& item : value->get_array()) {
    if (!item.is_string()) {
      Refuse(name);
      return texts;
    }
    texts.emplace_back(item.get_string().data(), item.get_string().size());
  }
  return texts;
}

void MemberReader::Objects(std::string_view name,
                           const std::function<void(MemberReader& members)>& read) {
  const boost::json::value* value = Find(name);
  if (value == nullptr || !value->is_array()) return Refuse(name);
  size_t position = 0;
  for (const boost::json::value& item : value->get_array()) {
    if (!item.is_object()) return Refuse(name);
    MemberReader members(item.get_object());
    read(members);
    if (!members.refused().empty()) {
      return Refuse(fmt::format("{}[{}].{}", name, position, members.refused()));
    }
    ++position;
  }
}

Result<OpenedRecord> OpenRecord(std::string_view kind, uint64_t bytes_max, std::string_view bytes) {
  if (bytes.size() > bytes_max) {
    return Broken(kind, fmt::format("has {} bytes, more than {}", bytes.size(), bytes_max));
  }
  if (!HasItsChecksum(bytes)) return Broken(kind, "checksum mismatch");
  OpenedRecord record;
  record.memory_ = std::make_unique<boost::json::monotonic_resource>();
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  record.value_ = std::make_unique<boost::json::value>(
      boost::json::parse(bytes, error, record.memory_.get(), options));
  if (error) return Broken(kind, "JSON: " + error.message());
  record.object_ = record.value_->if_object();
  if (record.object_ == nullptr) return Broken(kind, "JSON: not an object");

  MemberReader head = record.members();
  const std::string is = head.Text("ficus");
  const uint64_t version = head.Uint("version");
  const uint64_t features = head.Hex("required_features");
  if (Result<> read = head.result(); !read) return std::move(read).error().With(kind);
  if (is != kind) return Broken(kind, "is a \"" + is + "\"");
  if (version == 0) return Broken(kind, "version 0");
  if (version > kVersion || (features & ~kKnownFeatures) != 0) {
    return Error{ErrorCode::kUnsupportedVersion,
                 fmt::format("{}: version {} with features {}; this build knows version {}", kind,
                             version, Hex16(features), kVersion)};
  }
  return record;
}

std::string WithMendedChecksum(std::string_view text) {
  if (!EndsAsARecord(text)) return {};
  return Seal(text.substr(0, text.size() - kSealBytes));
}

}  // namespace ficus
