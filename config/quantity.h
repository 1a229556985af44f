// Sizes, durations, percentages and addresses as people write them.
//
// The message of every error is the end of a sentence that begins with the value, such as "needs a
// unit": the caller decides whether the value may be shown. All functions are pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "engine/base/result.h"

namespace ficus {

// "64MiB": a whole number and one of B, KiB, MiB, GiB, TiB, KB, MB, GB, TB. "0" needs no unit.
Result<uint64_t> ParseByteSize(std::string_view text);
// "90s", "1h30m": whole numbers with ms, s, m, h or d, the larger unit first. "0" needs no unit.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);
// "85%" gives 85; at most 100.
Result<uint32_t> ParsePercent(std::string_view text);
// "100MiB/s": a size for each second. "0" needs no unit.
Result<uint64_t> ParseByteRate(std::string_view text);
// A whole number without unit.
Result<uint64_t> ParseCount(std::string_view text);
// "127.0.0.1:17912", "[::1]:17912", "localhost:0" (127.0.0.1), ":17912" (0.0.0.0).
Result<ListenAddress> ParseListenAddress(std::string_view text);
// "70%", or a size.
Result<MemoryLimit> ParseMemoryLimit(std::string_view text);

// The inverse of each: what they give is parsed to the same value.
std::string FormatByteSize(uint64_t bytes);
// Rounded down to milliseconds, the smallest unit that can be written.
std::string FormatDuration(std::chrono::nanoseconds duration);
std::string FormatByteRate(uint64_t bytes_per_second);
std::string FormatPercent(uint32_t percent);
std::string FormatListenAddress(const ListenAddress& address);
std::string FormatMemoryLimit(const MemoryLimit& limit);

}  // namespace ficus
