// The word that was probably meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ficus {

// How many letters must be inserted, removed, replaced or swapped with their neighbour to turn one
// word into the other (optimal string alignment). Words longer than 64 bytes count as unlike all
// others, so that the cost stays bounded.
size_t EditDistance(std::string_view a, std::string_view b);

// The word of `words` nearest to `word`, the first of equals; empty when none is near: one letter
// in four, and one more, may differ.
std::string NearestWord(std::string_view word, const std::vector<std::string>& words);

// The same for dotted paths. A path with the same parent comes first, then one that ends with the
// same word, then any near one.
std::string NearestPath(std::string_view path, const std::vector<std::string>& paths);

}  // namespace ficus
