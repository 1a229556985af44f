// Any bytes as a schema object: refused, or accepted and then stable under encoding.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/schema/schema_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ficus;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto object = DecodeSchemaObject(bytes);
  if (!object) return 0;
  const std::string encoded = EncodeSchemaObject(*object);
  const auto again = DecodeSchemaObject(encoded);
  if (!again || *again != *object) std::abort();

  const SchemaRow row = EncodeSchemaRow(*object);
  const auto read = DecodeSchemaRow(row.rows, 0, row.entry.entity);
  // A name of the null byte's kind aside, what the codec accepts a row can carry.
  if (!read || read->key != object->key || !read->object || *read->object != *object) std::abort();
  return 0;
}
