#include "server/remote/list_pager.h"

#include <algorithm>
#include <utility>

namespace ficus {

ListPager::ListPager(const ListRequest& request)
    : request_(request), limit_(std::min(request.limit, kListLimitMax)) {}

bool ListPager::IsFull() {
  if (page_.objects.size() + page_.prefixes.size() < limit_) return false;
  page_.next = last_;
  return true;
}

bool ListPager::Add(ObjectInfo object) {
  const size_t slash =
      request_.one_level ? object.key.find('/', request_.prefix.size()) : std::string::npos;
  if (slash != std::string::npos) return AddPrefix(object.key.substr(0, slash + 1));
  if (object.key <= request_.start_after) return true;
  if (IsFull()) return false;
  last_ = object.key;
  page_.objects.push_back(std::move(object));
  return true;
}

bool ListPager::AddPrefix(std::string_view prefix) {
  const bool known = !page_.prefixes.empty() && page_.prefixes.back() == prefix;
  if (known || prefix <= request_.start_after) return true;
  if (IsFull()) return false;
  last_ = prefix;
  page_.prefixes.emplace_back(prefix);
  return true;
}

bool ListPager::MayHold(std::string_view folder) const {
  const std::string_view prefix = request_.prefix;
  if (!folder.starts_with(prefix) && !prefix.starts_with(folder)) return false;
  const std::string_view after = request_.start_after;
  if (Folds(folder)) return folder > after;
  return folder > after || after.starts_with(folder);
}

bool ListPager::Folds(std::string_view folder) const {
  return request_.one_level && folder.size() > request_.prefix.size() &&
         folder.starts_with(request_.prefix) &&
         folder.find('/', request_.prefix.size()) == folder.size() - 1;
}

ListPage ListPager::Finish() { return std::move(page_); }

}  // namespace ficus
