// Makes the page of a list out of objects that come in the order of their keys.
#pragma once

#include <string>
#include <string_view>

#include "server/remote/object_store.h"

namespace ficus {

// One thread. Add until it says false or nothing is left, then Finish.
class ListPager {
 public:
  // `request` was checked and outlives the pager.
  explicit ListPager(const ListRequest& request);

  // The object's key starts with the prefix. Passes over what start_after excludes and folds where
  // the request says so. False: the page is full and more follows.
  bool Add(ObjectInfo object);
  // A whole folder "a/b/" that holds objects, where the request folds it.
  bool AddPrefix(std::string_view prefix);

  // Whether keys that start with `folder`, which ends with '/', can be on the page: some start with
  // the prefix and some may lie above start_after.
  bool MayHold(std::string_view folder) const;
  // Whether the request folds `folder` into one prefix.
  bool Folds(std::string_view folder) const;

  ListPage Finish();

 private:
  bool IsFull();

  const ListRequest& request_;
  const size_t limit_;
  ListPage page_;
  std::string last_;  // key or prefix added last
};

}  // namespace ficus
