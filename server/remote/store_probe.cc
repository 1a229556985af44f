#include "server/remote/store_probe.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/core.h>

#include "engine/base/id.h"

namespace ficus {
namespace {

// More than one chunk of any store, and no round number.
constexpr size_t kBodyBytes = (size_t{2} << 20U) + 12'345;

// What a check saw, in words, or an error that says what was wrong.
using Seen = Result<std::string>;

Error Wrong(std::string what) { return {ErrorCode::kFailedPrecondition, std::move(what)}; }

std::string RandomBody(RandomSource& random) {
  std::string body;
  while (body.size() < kBodyBytes) {
    const uint64_t word = random.Next();
    body.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  body.resize(kBodyBytes);
  return body;
}

class Probe {
 public:
  Probe(ObjectStore& store, RandomSource& random, std::stop_token stop)
      : store_(store),
        stop_(std::move(stop)),
        folder_("_meta/probe-" + Hex16(random.Next()) + "/"),
        body_(RandomBody(random)) {}

  std::vector<ProbeVerdict> Run() {
    if (Check("put", [&] { return PutBody(); })) {
      Check("get", [&] { return GetBody(); });
      Check("ranged get", [&] { return GetRanges(); });
      Check("head", [&] { return HeadBody(); });
      Check("not found", [&] { return LookForNothing(); });
      Check("replace", [&] { return Replace(); });
      Check("odd keys", [&] { return OddKeys(); });
      Check("put if absent", [&] { return PutIfAbsent(); });
      Check("put if match", [&] { return PutIfMatch(); });
      Check("copy", [&] { return Copy(); });
      Check("list", [&] { return List(); });
      Check("list in pages", [&] { return ListPages(); });
      Check("list one level", [&] { return ListOneLevel(); });
      Check("delete", [&] { return Delete(); });
    }
    CleanUp();
    return std::move(verdicts_);
  }

 private:
  bool Check(std::string name, const std::function<Seen()>& check) {
    if (stop_.stop_requested()) return false;
    const Seen seen = check();
    const bool is_wrong = !seen && seen.error().code == ErrorCode::kFailedPrecondition;
    verdicts_.push_back({std::move(name), seen.has_value(),
                         seen.has_value() ? *seen
                         : is_wrong       ? seen.error().message
                                          : seen.error().ToString()});
    return seen.has_value();
  }

  std::string Key(std::string_view name) const { return folder_ + std::string(name); }

  Result<ObjectInfo> Put(const std::string& key, std::string_view text,
                         const PutCondition& condition = {}) {
    return store_.Put(key, TextSource(text), condition, stop_);
  }
  Result<std::string> Read(const std::string& key, std::optional<ByteRange> range = std::nullopt) {
    std::string text;
    const auto take = [&](std::string_view bytes) -> Result<> {
      if (bytes.size() > 2 * kBodyBytes - text.size()) return Wrong("far too many bytes come back");
      text += bytes;
      return Ok();
    };
    RETURN_IF_ERROR(store_.Get(key, range, take, stop_));
    return text;
  }
  Result<> Expect(const std::string& key, std::string_view expected) {
    ASSIGN_OR_RETURN(const std::string text, Read(key));
    return text == expected ? Ok() : Result<>(Wrong("other bytes come back than were sent"));
  }
  // The put must be refused with one of the codes of a lost condition.
  Result<> ExpectRefusal(const std::string& key, const PutCondition& condition) {
    const Result<ObjectInfo> put = Put(key, "refused", condition);
    if (put.has_value())
      return Wrong("the condition is ignored: two writers would overwrite each other");
    const ErrorCode code = put.error().code;
    const bool refused =
        code == ErrorCode::kAlreadyExists || code == ErrorCode::kFailedPrecondition;
    return refused ? Ok() : Result<>(put.error());
  }

  Seen PutBody() {
    ASSIGN_OR_RETURN(body_info_, Put(Key("body"), body_));
    if (body_info_.size_bytes != body_.size()) {
      return Wrong(fmt::format("{} bytes became {}", body_.size(), body_info_.size_bytes));
    }
    return fmt::format("{} bytes", body_.size());
  }

  Seen GetBody() {
    RETURN_IF_ERROR(Expect(Key("body"), body_));
    return std::string("the same bytes come back");
  }

  Seen GetRanges() {
    const uint64_t size = body_.size();
    for (const ByteRange range :
         {ByteRange{0, 1}, ByteRange{1000, 1'500'000}, ByteRange{size - 1, 1}}) {
      ASSIGN_OR_RETURN(const std::string part, Read(Key("body"), range));
      if (part != std::string_view(body_).substr(range.offset, range.length)) {
        return Wrong(fmt::format("bytes {}+{} are others", range.offset, range.length));
      }
    }
    if (Read(Key("body"), ByteRange{size, 1}).has_value()) {
      return Wrong("bytes beyond the end are answered");
    }
    return std::string("exactly the bytes asked for");
  }

  Seen HeadBody() {
    ASSIGN_OR_RETURN(const ObjectInfo info, store_.Head(Key("body"), stop_));
    if (info != body_info_) return Wrong("size or etag differ from what the put answered");
    return fmt::format("size and etag agree");
  }

  Seen LookForNothing() {
    const Result<ObjectInfo> head = store_.Head(Key("nothing"), stop_);
    if (head.has_value()) return Wrong("an object is found that nobody put");
    if (head.error().code != ErrorCode::kNotFound) return head.error();
    return std::string("what is not there is not found");
  }

  Seen Replace() {
    ASSIGN_OR_RETURN(const ObjectInfo first, Put(Key("small"), "one"));
    ASSIGN_OR_RETURN(const ObjectInfo second, Put(Key("small"), "two"));
    if (first.etag == second.etag) return Wrong("another content has the same etag");
    RETURN_IF_ERROR(Expect(Key("small"), "two"));
    ASSIGN_OR_RETURN(const ObjectInfo empty, Put(Key("empty"), ""));
    RETURN_IF_ERROR(Expect(Key("empty"), ""));
    return std::string("the new object, also an empty one, under a new etag");
  }

  Seen OddKeys() {
    for (const char* name : {"odd/a b", "odd/a+b%20", "odd/\xc3\xa4=&?#'", "odd/~!*()"}) {
      RETURN_IF_ERROR(Put(Key(name), name));
      RETURN_IF_ERROR(Expect(Key(name), name));
    }
    return std::string("blanks, signs and letters beyond ASCII");
  }

  Seen PutIfAbsent() {
    const PutCondition absent{PutCondition::Kind::kIfAbsent, ""};
    RETURN_IF_ERROR(Put(Key("absent"), "one", absent));
    RETURN_IF_ERROR(ExpectRefusal(Key("absent"), absent));
    RETURN_IF_ERROR(Expect(Key("absent"), "one"));
    return std::string("the second one is refused");
  }

  Seen PutIfMatch() {
    const auto match = [](const ObjectInfo& info) {
      return PutCondition{PutCondition::Kind::kIfMatch, info.etag};
    };
    ASSIGN_OR_RETURN(const ObjectInfo first, Put(Key("match"), "one"));
    ASSIGN_OR_RETURN(const ObjectInfo second, Put(Key("match"), "two", match(first)));
    RETURN_IF_ERROR(ExpectRefusal(Key("match"), match(first)));
    RETURN_IF_ERROR(ExpectRefusal(Key("match-none"), match(second)));
    RETURN_IF_ERROR(Expect(Key("match"), "two"));
    return std::string("a stale one is refused");
  }

  Seen Copy() {
    ASSIGN_OR_RETURN(const ObjectInfo copied, store_.Copy(Key("body"), Key("copy"), stop_));
    if (copied.size_bytes != body_.size()) return Wrong("the copy has another size");
    RETURN_IF_ERROR(Expect(Key("copy"), body_));
    return std::string("the copy holds the same bytes");
  }

  Seen List() {
    for (const char* name : {"l/b", "l/a-", "l/a/1", "l/a/2", "l/c"}) {
      RETURN_IF_ERROR(Put(Key(name), name));
    }
    ASSIGN_OR_RETURN(const auto keys, KeysBelow("l/"));
    if (keys != ListedKeys())
      return Wrong(fmt::format("{} keys, or not in the order of bytes", keys.size()));
    return std::string("every key, in the order of bytes");
  }

  Seen ListPages() {
    ListRequest request;
    request.prefix = Key("l/");
    request.limit = 2;
    std::vector<std::string> keys;
    RETURN_IF_ERROR(ListAll(
        store_, request,
        [&](const ObjectInfo& object) {
          keys.push_back(object.key);
          return keys.size() < 100;
        },
        stop_));
    if (keys != ListedKeys()) return Wrong("keys are missing or come twice");
    return std::string("no key is missing, none comes twice");
  }

  Seen ListOneLevel() {
    ListRequest request;
    request.prefix = Key("l/");
    request.one_level = true;
    ASSIGN_OR_RETURN(const ListPage page, store_.List(request, stop_));
    if (page.prefixes != std::vector<std::string>{Key("l/a/")} || page.objects.size() != 3) {
      return Wrong(fmt::format("{} folders and {} keys instead of 1 and 3", page.prefixes.size(),
                               page.objects.size()));
    }
    return std::string("folders are folded");
  }

  Seen Delete() {
    const std::vector<std::string> keys{Key("l/a/1"), Key("l/never"), Key("l/c")};
    RETURN_IF_ERROR(store_.Delete(keys, stop_));
    ASSIGN_OR_RETURN(const auto left, KeysBelow("l/"));
    if (left.size() != 3) return Wrong(fmt::format("{} keys are left instead of 3", left.size()));
    return std::string("gone at once; what was not there is no error");
  }

  std::vector<std::string> ListedKeys() const {
    return {Key("l/a-"), Key("l/a/1"), Key("l/a/2"), Key("l/b"), Key("l/c")};
  }

  Result<std::vector<std::string>> KeysBelow(std::string_view name, std::stop_token stop) {
    ListRequest request;
    request.prefix = Key(name);
    std::vector<std::string> keys;
    RETURN_IF_ERROR(ListAll(
        store_, request,
        [&](const ObjectInfo& object) {
          keys.push_back(object.key);
          return true;
        },
        std::move(stop)));
    return keys;
  }
  Result<std::vector<std::string>> KeysBelow(std::string_view name) {
    return KeysBelow(name, stop_);
  }

  // Also after a stop, so without its token.
  void CleanUp() {
    const auto clean = [&]() -> Seen {
      ASSIGN_OR_RETURN(const auto keys, KeysBelow("", {}));
      RETURN_IF_ERROR(store_.Delete(keys, {}));
      ASSIGN_OR_RETURN(const auto left, KeysBelow("", {}));
      if (!left.empty())
        return Wrong(fmt::format("{} objects stay below {}", left.size(), folder_));
      return std::string("nothing is left");
    };
    const Seen seen = clean();
    verdicts_.push_back(
        {"clean up", seen.has_value(),
         seen.has_value() ? *seen : seen.error().message + "; look below " + folder_});
  }

  ObjectStore& store_;
  const std::stop_token stop_;
  const std::string folder_;
  const std::string body_;
  ObjectInfo body_info_;
  std::vector<ProbeVerdict> verdicts_;
};

}  // namespace

Result<std::vector<ProbeVerdict>> ProbeStore(ObjectStore& store, RandomSource& random,
                                             std::stop_token stop) {
  std::vector<ProbeVerdict> verdicts = Probe(store, random, stop).Run();
  if (stop.stop_requested())
    return Error{ErrorCode::kCancelled, "probe " + store.url() + ": stopped"};
  return verdicts;
}

bool AllOk(const std::vector<ProbeVerdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const ProbeVerdict& verdict) { return verdict.ok; });
}

}  // namespace ficus
