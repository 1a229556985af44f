// Catch2 without its CHECK, so that the CHECK of engine/base/check.h means the same in tests as in
// the product: it stops the process. Tests use REQUIRE, and REQUIRE_THAT where a matcher helps.
//
// This folder precedes Catch2's on the include path, whatever the order of includes in a test.
#pragma once
#pragma push_macro("CHECK")
#include_next <catch2/catch.hpp>
#pragma pop_macro("CHECK")
