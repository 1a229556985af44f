#include "config/quantity.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <limits>

namespace ficus {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Binary units first: they are what sizes are printed in.
constexpr std::array<Unit, 9> kByteUnits = {{{"TiB", kTiB},
                                             {"GiB", kGiB},
                                             {"MiB", kMiB},
                                             {"KiB", kKiB},
                                             {"TB", 1'000'000'000'000},
                                             {"GB", 1'000'000'000},
                                             {"MB", 1'000'000},
                                             {"KB", 1'000},
                                             {"B", 1}}};

// Largest first, in nanoseconds.
constexpr std::array<Unit, 5> kTimeUnits = {{{"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000}}};

Error Wrong(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error NotASize() {
  return Wrong(
      "is not a size: write a whole number and B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, "
      "for example 64MiB");
}

Error NotADuration() {
  return Wrong(
      "is not a duration: write whole numbers with ms, s, m, h or d, the larger unit "
      "first, for example 90s or 1h30m");
}

// Takes the digits at the front of `text`.
Result<uint64_t> TakeNumber(std::string_view& text, const Error& otherwise) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return Wrong("is too large");
  if (error != std::errc()) return otherwise;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

bool Multiply(uint64_t number, uint64_t factor, uint64_t max, uint64_t& product) {
  if (number > max / factor) return false;
  product = number * factor;
  return true;
}

// Takes the unit at the front of `text`: the letters up to the next digit.
const Unit* TakeTimeUnit(std::string_view& text) {
  const size_t length = text.find_first_of("0123456789");
  const std::string_view name = text.substr(0, length);
  for (const Unit& unit : kTimeUnits) {
    if (unit.name == name) {
      text.remove_prefix(name.size());
      return &unit;
    }
  }
  return nullptr;
}

bool IsIpAddress(const std::string& host, int family) {
  in6_addr address;
  return ::inet_pton(family, host.c_str(), &address) == 1;
}

}  // namespace

Result<uint64_t> ParseByteSize(std::string_view text) {
  ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(text, NotASize()));
  if (text.empty()) {
    if (number == 0) return uint64_t{0};
    return Wrong("needs a unit: B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, for example 64MiB");
  }
  for (const Unit& unit : kByteUnits) {
    if (unit.name != text) continue;
    uint64_t bytes = 0;
    if (!Multiply(number, unit.factor, std::numeric_limits<uint64_t>::max(), bytes)) {
      return Wrong("is too large");
    }
    return bytes;
  }
  return NotASize();
}

Result<uint64_t> ParseByteRate(std::string_view text) {
  constexpr std::string_view kPerSecond = "/s";
  if (text == "0") return uint64_t{0};
  const size_t size = text.size() - std::min(text.size(), kPerSecond.size());
  if (text.substr(size) == kPerSecond) return ParseByteSize(text.substr(0, size));
  return Wrong("is not a rate: write for example 50MiB/s, or 0 for none");
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    return Wrong("needs a unit: ms, s, m, h or d, for example 5s");
  }
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  uint64_t sum = 0;
  const Unit* last = nullptr;
  do {
    ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(text, NotADuration()));
    const Unit* const unit = TakeTimeUnit(text);
    if (unit == nullptr || (last != nullptr && unit->factor >= last->factor)) {
      return NotADuration();
    }
    uint64_t nanos = 0;
    if (!Multiply(number, unit->factor, kMax - sum, nanos)) return Wrong("is too large");
    sum += nanos;
    last = unit;
  } while (!text.empty());
  return std::chrono::nanoseconds(static_cast<int64_t>(sum));
}

Result<uint32_t> ParsePercent(std::string_view text) {
  const Error wrong = Wrong(
      "is not a percentage: write a whole number up to 100 and %, "
      "for example 85%");
  ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(text, wrong));
  if (text != "%" || number > 100) return wrong;
  return static_cast<uint32_t>(number);
}

Result<uint64_t> ParseCount(std::string_view text) {
  const Error wrong = Wrong("is not a whole number");
  ASSIGN_OR_RETURN(const uint64_t number, TakeNumber(text, wrong));
  if (!text.empty()) return wrong;
  return number;
}

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const Error wrong = Wrong(
      "is not an address to listen on: write an IP address and a port, "
      "for example 0.0.0.0:17912 or [::]:17912");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  std::string_view host = text.substr(0, colon);
  std::string_view port_text = text.substr(colon + 1);
  ASSIGN_OR_RETURN(const uint64_t port, TakeNumber(port_text, wrong));
  if (!port_text.empty()) return wrong;
  if (port > std::numeric_limits<uint16_t>::max()) return Wrong("has a port above 65535");

  ListenAddress address{std::string(host), static_cast<uint16_t>(port)};
  if (host.empty()) {
    address.host = "0.0.0.0";
  } else if (host == "localhost") {
    address.host = "127.0.0.1";
  } else if (host.front() == '[' && host.back() == ']' && host.size() > 2) {
    address.host = host.substr(1, host.size() - 2);
    if (!IsIpAddress(address.host, AF_INET6)) return wrong;
  } else if (!IsIpAddress(address.host, AF_INET)) {
    return wrong;
  }
  return address;
}

Result<MemoryLimit> ParseMemoryLimit(std::string_view text) {
  if (const Result<uint32_t> percent = ParsePercent(text)) {
    if (*percent == 0) return Wrong("leaves no memory at all");
    return MemoryLimit{*percent, 0};
  }
  const Result<uint64_t> bytes = ParseByteSize(text);
  if (!bytes) {
    return Wrong("is neither a percentage nor a size: write for example 70% or 4GiB");
  }
  if (*bytes == 0) return Wrong("leaves no memory at all");
  return MemoryLimit{0, *bytes};
}

std::string FormatByteSize(uint64_t bytes) {
  if (bytes == 0) return "0";
  for (const Unit& unit : kByteUnits) {
    if (bytes % unit.factor == 0) return std::to_string(bytes / unit.factor).append(unit.name);
  }
  return {};  // the last unit divides everything
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  auto rest = static_cast<uint64_t>(duration.count());
  std::string text;
  for (const Unit& unit : kTimeUnits) {
    if (rest / unit.factor == 0) continue;
    text += std::to_string(rest / unit.factor);
    text += unit.name;
    rest %= unit.factor;
  }
  return text.empty() ? "0" : text;
}

std::string FormatByteRate(uint64_t bytes_per_second) {
  return bytes_per_second == 0 ? "0" : FormatByteSize(bytes_per_second) + "/s";
}

std::string FormatPercent(uint32_t percent) { return std::to_string(percent) + "%"; }

std::string FormatListenAddress(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string FormatMemoryLimit(const MemoryLimit& limit) {
  return limit.bytes == 0 ? FormatPercent(limit.percent) : FormatByteSize(limit.bytes);
}

}  // namespace ficus
