// Schema messages to objects of the registry, and back.
//
// An object keeps the client's message without what the server assigns, so that the way back is an
// exact echo, unknown fields included. What a message must carry at all is checked here
// (kInvalidArgument, or kUnknown with BanyanDB's text); the rules of the registry are in
// engine/schema.
#pragma once

#include "banyandb/common/v1/common.pb.h"
#include "banyandb/database/v1/schema.pb.h"
#include "engine/base/result.h"
#include "engine/schema/schema_object.h"

namespace ficus {

Result<SchemaObject> FromMessage(const banyandb::common::v1::Group& message);
Result<SchemaObject> FromMessage(const banyandb::database::v1::Measure& message);
Result<SchemaObject> FromMessage(const banyandb::database::v1::IndexRule& message);
Result<SchemaObject> FromMessage(const banyandb::database::v1::IndexRuleBinding& message);
Result<SchemaObject> FromMessage(const banyandb::database::v1::TopNAggregation& message);

// `object` is of the message's kind (CHECKed). Fills in revisions, times and, for an index rule,
// its id.
void ToMessage(const SchemaObject& object, banyandb::common::v1::Group& message);
void ToMessage(const SchemaObject& object, banyandb::database::v1::Measure& message);
void ToMessage(const SchemaObject& object, banyandb::database::v1::IndexRule& message);
void ToMessage(const SchemaObject& object, banyandb::database::v1::IndexRuleBinding& message);
void ToMessage(const SchemaObject& object, banyandb::database::v1::TopNAggregation& message);

}  // namespace ficus
