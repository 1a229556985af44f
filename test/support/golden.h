// Golden files: expected bytes and texts that are checked in under test/golden/.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ficus {

// Compares `actual` with the file test/golden/<name> and reports a difference as a failed CHECK of
// the running test case. With the environment variable UPDATE_GOLDEN=1 it writes the file instead;
// look at the difference before committing it. Tests run in the root of the checkout.
void CheckGolden(std::string_view name, std::string_view actual);

// `bytes` as lines of 16: offset, hex, and the printable characters. The form in which binary
// formats are kept.
std::string HexDump(std::span<const std::byte> bytes);

}  // namespace ficus
