// What a commit record and a line of a list of commits say in the same words.
#pragma once

#include "server/backup/manifest.h"
#include "server/backup/record_text.h"

namespace ficus {

// Everything but the time directory and the manifest's key.
void WriteCommitMembers(const CommitRecord& commit, RecordMembers& members);

// Refuses what no commit says: a run that is no name, generation 0, a manifest that is too long.
void ReadCommitMembers(MemberReader& members, CommitRecord& commit);

}  // namespace ficus
