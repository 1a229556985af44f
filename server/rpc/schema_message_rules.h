// The rules that the protocol's schema messages must keep before anything looks at their meaning:
// what must be there, what must not be empty, which numbers of an enumeration there are.
//
// kInvalidArgument, in the words of BanyanDB's generated validators. Which of the objects that keep
// them the registry takes is the question of engine/schema/schema_rules.h. Source: BanyanDB's
// public API, the validation options of common.v1 and database.v1.
#pragma once

#include "banyandb/common/v1/common.pb.h"
#include "banyandb/database/v1/schema.pb.h"
#include "engine/base/result.h"

namespace ficus {

Result<> CheckRules(const banyandb::common::v1::Group& group);
Result<> CheckRules(const banyandb::database::v1::Measure& measure);
Result<> CheckRules(const banyandb::database::v1::IndexRule& rule);
Result<> CheckRules(const banyandb::database::v1::IndexRuleBinding& binding);
Result<> CheckRules(const banyandb::database::v1::TopNAggregation& top_n);

}  // namespace ficus
