// Conditions and criteria as the protocol's text form, which is how they stand in error messages.
#pragma once

#include <string>

#include "engine/query/measure_query.h"

namespace ficus {

// name:"service" op:BINARY_OP_EQ value:{str:{value:"a"}}
std::string ToText(const Condition& condition);
// condition:{...} or le:{op:LOGICAL_OP_AND left:{...} right:{...}}. Long texts are cut.
std::string ToText(const Criteria& criteria);

std::string_view ConditionOpName(ConditionOp op);

}  // namespace ficus
