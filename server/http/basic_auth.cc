#include "server/http/basic_auth.h"

#include <cstdint>
#include <optional>

namespace ficus {
namespace {

constexpr char kChallenge[] = "Basic realm=\"Restricted\"";
constexpr std::string_view kScheme = "basic ";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool HasScheme(std::string_view header) {
  if (header.size() < kScheme.size()) return false;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    if (Lower(header[i]) != kScheme[i]) return false;
  }
  return true;
}

std::optional<uint32_t> DigitOf(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0' + 52);
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

// RFC 4648, section 4, padded.
std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const std::optional<uint32_t> digit = DigitOf(c);
    if (!digit.has_value()) return std::nullopt;
    bits = (bits << 6 | *digit) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return bytes;
}

HttpResponse Answer(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Error Wrong(const char* what) { return {ErrorCode::kInvalidArgument, what}; }

}  // namespace

Result<BasicCredential> ParseBasicAuth(std::string_view header) {
  if (!HasScheme(header)) return Wrong("the Authorization header is not of the scheme Basic");
  std::string_view text = header.substr(kScheme.size());
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes.has_value()) return Wrong("the Authorization header holds no Base64");
  const size_t colon = bytes->find(':');
  if (colon == std::string::npos) return Wrong("the Authorization header holds no password");
  return BasicCredential{bytes->substr(0, colon), bytes->substr(colon + 1)};
}

HttpResponse HeaderIsMissing() {
  HttpResponse response = Answer(401, "Authorization header is missing\n");
  response.challenge = kChallenge;
  return response;
}

HttpResponse HeaderIsWrong(const Error& error) { return Answer(400, error.message + "\n"); }

HttpResponse NotLetIn(AuthVerdict verdict) {
  if (verdict == AuthVerdict::kBusy) {
    return Answer(503, "too many passwords wait to be verified; try again\n");
  }
  HttpResponse response = Answer(401, R"({"error": "invalid credentials"})");
  response.content_type = "application/json";
  response.challenge = kChallenge;
  return response;
}

}  // namespace ficus
