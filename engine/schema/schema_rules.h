// What a proposed schema object must look like, and what an update may not change.
//
// The texts are BanyanDB's: clients compare them. They carry ErrorCode::kUnknown, since BanyanDB
// answers them with gRPC's code UNKNOWN. Rules that only this node has carry kInvalidArgument.
#pragma once

#include "engine/base/result.h"
#include "engine/schema/schema_object.h"

namespace ficus {

// All columns that a subject may ever have, dropped ones included. No more than a block may have:
// it can hold rows of all times of its subject.
inline constexpr size_t kSubjectColumnsMax = 1 << 16;

// The names alone: they become parts of paths and of object keys.
Result<> CheckSchemaNames(const SchemaKey& key);

// Names and content of a proposal.
Result<> CheckSchemaProposal(const SchemaObject& proposal);

// What must stay as it is between two objects of one key. kUnknown, "validation failed: ...".
Result<> CheckSchemaUpdate(const SchemaObject& before, const SchemaObject& after);

// CRC-32 (IEEE 802.3) of the group's name followed by the rule's.
uint32_t IndexRuleIdOf(std::string_view group, std::string_view name);

}  // namespace ficus
