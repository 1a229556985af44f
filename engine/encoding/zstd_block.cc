#include "engine/encoding/zstd_block.h"

#include <memory>

#include <zstd.h>

#include "engine/base/check.h"

namespace ficus {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// A context per thread: its tables cost more to set up than a small block to compress.
ZSTD_CCtx* Compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  CHECK(context != nullptr) << "zstd: no memory for a context";
  return context.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  CHECK(context != nullptr) << "zstd: no memory for a context";
  return context.get();
}

}  // namespace

void ZstdCompress(std::string_view bytes, int level, std::string& out) {
  ZSTD_CCtx* const context = Compressor();
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const size_t begin = out.size();
  out.resize(begin + ZSTD_compressBound(bytes.size()));
  const size_t size =
      ZSTD_compress2(context, out.data() + begin, out.size() - begin, bytes.data(), bytes.size());
  CHECK(ZSTD_isError(size) == 0) << ZSTD_getErrorName(size);
  out.resize(begin + size);
}

bool ZstdDecompress(std::string_view frame, std::span<char> out) {
  const size_t size =
      ZSTD_decompressDCtx(Decompressor(), out.data(), out.size(), frame.data(), frame.size());
  return ZSTD_isError(size) == 0 && size == out.size();
}

}  // namespace ficus
