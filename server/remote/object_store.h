// A place for objects outside the node: a folder, an S3 bucket, memory in tests.
//
// Keys are '/'-separated, relative, without empty, "." or ".." pieces, printable UTF-8, at most
// kKeyBytesMax; every implementation refuses others (CheckKey). A key and another one below it
// ("a" and "a/b") are not for every store: those that are folders, and MemoryStore, refuse the
// second with kInvalidArgument. An object appears whole or not at all, and a put, copy or delete
// that returned is durable. One conformance suite holds for all implementations and decorators.
//
// Threads: all members from any thread; calls block. `stop` ends a call within a second or two with
// kCancelled; the object is then the old one or the new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace ficus {

inline constexpr size_t kKeyBytesMax = 900;
// Of one piece: what every file system takes as a name.
inline constexpr size_t kKeyPieceBytesMax = 255;
// The first piece that no key has: where a store that is a folder keeps what is not an object.
inline constexpr std::string_view kScratchFolder = ".ficus-tmp";

// kInvalidArgument names the bad piece.
Result<> CheckKey(std::string_view key);

// The bytes of a put: a fixed length, readable again from any offset when a try has failed.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  virtual uint64_t size_bytes() const = 0;
  // Fills `out` from `offset`; kIo when there is less.
  virtual Result<> ReadAt(uint64_t offset, std::span<char> out) const = 0;
};

// Bytes in memory, which must outlive it.
class TextSource final : public ObjectSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  uint64_t size_bytes() const override { return text_.size(); }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override;

 private:
  std::string_view text_;
};

struct ObjectInfo {
  std::string key;
  uint64_t size_bytes = 0;
  // Opaque; differs between two contents of one key. For PutCondition.
  std::string etag;
  friend bool operator==(const ObjectInfo&, const ObjectInfo&) = default;
};

struct PutCondition {
  enum class Kind : uint8_t {
    kNone,      // replaces
    kIfAbsent,  // kAlreadyExists when the key is taken
    kIfMatch,   // kFailedPrecondition when the object has another etag or is gone
  };
  Kind kind = Kind::kNone;
  std::string etag;
};

// [offset, offset + length); the object must reach that far, else kInvalidArgument. A length of 0
// is fine.
struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

inline constexpr size_t kListLimitMax = 1000;

struct ListRequest {
  std::string prefix;       // of keys, need not end at a '/'
  std::string start_after;  // keys, and prefixes as a whole, above this text
  bool one_level = false;   // keys below the next '/' are folded into `prefixes`
  // Keys and prefixes together, at least 1; more than kListLimitMax is cut to it.
  size_t limit = kListLimitMax;
};

// kInvalidArgument: no limit, or texts that no key can begin with because they are not printable
// UTF-8 of at most kKeyBytesMax.
Result<> CheckListRequest(const ListRequest& request);

struct ListPage {
  std::vector<ObjectInfo> objects;    // by key, bytewise
  std::vector<std::string> prefixes;  // end with '/'; empty unless one_level
  // Pass as start_after for the next page; none at the end.
  std::optional<std::string> next;
};

// What a store can do; decided by its kind or by a probe.
struct StoreAbilities {
  bool conditional_put = true;
  bool copy = true;
};

class ObjectStore {
 public:
  // Receives the bytes of a get in order; an error ends the get with it.
  using Sink = std::function<Result<>(std::string_view bytes)>;

  virtual ~ObjectStore() = default;

  // "file:///var/backups/ficus"; names the store in messages, holds no secret.
  virtual const std::string& url() const = 0;
  virtual StoreAbilities abilities() const = 0;

  // An error says that the object is the old one, unless it is kIo, kUnavailable,
  // kDeadlineExceeded or kCancelled: then it may be the new one. `source` is read by one thread at
  // a time; its errors are returned.
  virtual Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                                 const PutCondition& condition, std::stop_token stop) = 0;
  // Without a range the whole object. kNotFound; kIo when fewer bytes came than the store promised.
  virtual Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range,
                                 const Sink& sink, std::stop_token stop) = 0;
  virtual Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) = 0;
  // Inside the store; replaces `to`. kNotFound when there is no `from`.
  virtual Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                                  std::stop_token stop) = 0;
  // A key that is gone already is no error. On an error any of the keys may be gone.
  virtual Result<> Delete(std::span<const std::string> keys, std::stop_token stop) = 0;
  virtual Result<ListPage> List(const ListRequest& request, std::stop_token stop) = 0;
};

// Gets a whole small object into memory; kResourceExhausted above `bytes_max`.
Result<std::string> GetText(ObjectStore& store, std::string_view key, uint64_t bytes_max,
                            std::stop_token stop);
// Lists all pages; `visit` returns false to end early. kCorruption when a page leads back.
Result<> ListAll(ObjectStore& store, ListRequest request,
                 const std::function<bool(const ObjectInfo&)>& visit, std::stop_token stop);

}  // namespace ficus
