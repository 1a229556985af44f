// Text that must be valid UTF-8 for those who read it: JSON lines, metric labels, names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ficus {

// The length of the well-formed UTF-8 sequence at the front of `text`, which is not empty; 0 when
// there is none. RFC 3629: no surrogates, nothing above U+10FFFF, no longer form than needed.
size_t Utf8Length(std::string_view text);

bool IsUtf8(std::string_view text);

// `text` with U+FFFD in place of each byte that belongs to no well-formed sequence.
std::string ToUtf8(std::string_view text);

}  // namespace ficus
