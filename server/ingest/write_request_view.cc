#include "server/ingest/write_request_view.h"

namespace ficus {
namespace {

// What a message of the usual size never exceeds; memory beyond it is not kept.
constexpr size_t kKeptItemsMax = 4096;

template <typename T>
void Empty(std::vector<T>& items) {
  if (items.capacity() <= kKeptItemsMax) {
    items.clear();
  } else {
    std::vector<T>().swap(items);
  }
}

}  // namespace

void WriteRequestView::Clear() {
  has_metadata = has_data_point = has_timestamp = has_spec = false;
  message_id = 0;
  version = 0;
  timestamp = {};
  metadata = {};
  Empty(families);
  Empty(tags);
  Empty(fields);
  Empty(spec_families);
  Empty(spec_tags);
  Empty(spec_fields);
  Empty(array_messages);
}

}  // namespace ficus
