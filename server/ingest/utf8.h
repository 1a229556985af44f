// Whether bytes are UTF-8, as strings of the protocol must be.
#pragma once

#include <string_view>

namespace ficus {

// No overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629). Cheap for ASCII.
bool IsUtf8(std::string_view bytes);

}  // namespace ficus
