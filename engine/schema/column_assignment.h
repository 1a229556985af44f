// Which column a tag or field of a subject lives in.
#pragma once

#include "engine/base/result.h"
#include "engine/schema/schema_object.h"

namespace ficus {

// Fills the column ids of `after`, a subject, and its list of all columns. A tag or field that
// `before` (null for a new subject) has with the same family, name and type keeps its column;
// others get the next numbers, which are never given again; columns of `before` that are not used
// any more stay as dropped ones. Entity tags get none. kInvalidArgument: more than
// kSubjectColumnsMax.
Result<> AssignColumns(const SchemaObject* before, SchemaObject& after);

}  // namespace ficus
