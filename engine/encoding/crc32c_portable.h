// CRC-32C without special instructions: the plain version that Crc32c falls back to and is compared
// with.
#pragma once

#include <cstdint>
#include <string_view>

namespace ficus {

// Same contract as Crc32c.
uint32_t Crc32cPortable(std::string_view bytes, uint32_t seed);

}  // namespace ficus
