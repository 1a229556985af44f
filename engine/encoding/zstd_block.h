// zstd for one block of bytes whose size is stored elsewhere.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ficus {

// Appends `bytes` as one zstd frame without content size and checksum. Level 1 (fast) to 19.
void ZstdCompress(std::string_view bytes, int level, std::string& out);

// True when `frame` is a zstd frame that decompresses to exactly out.size() bytes. Whatever a
// frame claims about its size is not believed.
bool ZstdDecompress(std::string_view frame, std::span<char> out);

}  // namespace ficus
