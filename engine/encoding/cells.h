// Runs of byte strings (strings, binary, array cells) in few bytes, and back.
//
// Chosen per run: const, dictionary with packed codes, lengths plus raw bytes, each with zstd where
// it saves at least a tenth. Layout: FILE-FORMAT.md, "Encodings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/encoding/words.h"

namespace ficus {

// Appends the encoded run of the cells bytes[offsets[i], offsets[i + 1]). `offsets` ascend and hold
// one more entry than there are cells; empty for no cells. At most kRunValuesMax cells (CHECKed).
void EncodeCells(std::span<const uint32_t> offsets, std::string_view bytes, Effort effort,
                 std::string& out);

// Replaces `offsets` and `bytes` by `count` decoded cells. kCorruption for foreign bytes, or when
// the cells would hold more than `bytes_max` bytes together (checked before anything is allocated).
Result<> DecodeCells(std::string_view encoded, size_t count, size_t bytes_max,
                     std::vector<uint32_t>& offsets, std::string& bytes);

std::string_view CellsSchemeName(std::string_view encoded);

}  // namespace ficus
