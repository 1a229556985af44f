// Sizes, times and durations as people read and write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <google/protobuf/timestamp.pb.h>

namespace ficus {

// "0 B", "512 B", "1.5 KiB", "2.7 GiB".
std::string BytesText(uint64_t bytes);
// "1,234,567"
std::string CountText(uint64_t count);
// "00:12", "1:02:03", "3d 04:05:06"; whole seconds, rounded; "?" for a negative or endless one.
std::string DurationText(double seconds);
// "2026-11-20T09:30:15Z", seconds rounded down; "-" for one that is not set.
std::string TimeText(const google::protobuf::Timestamp& time);
// The same with all nine digits of a second, as machines want it.
std::string ExactTimeText(const google::protobuf::Timestamp& time);

// A whole number and one of ms, s, m, h, d: above 0, at most 366 days.
std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text);
// "5%", "5" or "0.5 %": above 0 and at most 100.
std::optional<double> ParsePercent(std::string_view text);

}  // namespace ficus
