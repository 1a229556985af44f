// The objects that the node makes itself. Their payload is empty: the view says everything.
//
// Source: BanyanDB makes the same ones, and clients see them in listings.
#pragma once

#include <string_view>

#include "engine/schema/schema_object.h"

namespace ficus {

// The measure that holds what the TopN aggregations of a group have computed.
SchemaObject TopNResultMeasure(std::string_view group);

// The group and the property schema in which deletions of groups are noted.
SchemaObject DeletionTaskGroup();
SchemaObject DeletionTaskProperty();

}  // namespace ficus
