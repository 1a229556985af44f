// Puts a small record that is created once and never changes: a manifest, a commit, an owner.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "server/remote/object_store.h"

namespace ficus {

// Whether what lies under the key is the rest of a try of ours that the store has cut short, and
// may be written over.
using IsOurRest = std::function<bool(std::string_view present)>;

// A beginning of `text`, and not all of it.
IsOurRest IsCutShort(std::string_view text);

// Ok when the store holds exactly `text`, whoever put it: an answer may be lost, and a store may
// keep less than it says. kAlreadyExists when something else lies there. At most `bytes_max` bytes
// of that are read.
Result<> PutOnce(ObjectStore& store, const std::string& key, const std::string& text,
                 uint64_t bytes_max, const IsOurRest& is_our_rest, std::stop_token stop);

}  // namespace ficus
