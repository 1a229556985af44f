#include "server/backup/remote_probe.h"

#include <functional>
#include <set>

#include "engine/base/error.h"

namespace ficus {
namespace {

constexpr std::string_view kContent = "ficus probe: 0123456789";
constexpr std::string_view kOther = "ficus probe: 9876543210";

Error Wrong(std::string_view what) { return {ErrorCode::kFailedPrecondition, std::string(what)}; }

// One probe and what it has found so far.
class Probe {
 public:
  Probe(ObjectStore& store, const std::string& id, std::stop_token stop)
      : store_(store),
        stop_(std::move(stop)),
        key_("_meta/probe/" + id + "/a"),
        copy_("_meta/probe/" + id + "/b"),
        prefix_("_meta/probe/" + id + "/") {}

  std::vector<RemoteCheck> Run() {
    const bool conditional = store_.abilities().conditional_put;
    Check("write", [&] { return Write(); });
    Check("read", [&] { return ReadIs(key_, kContent); });
    Check("ranged read", [&] { return RangedRead(); });
    Check("look at", [&] { return Look(); });
    Check("list", [&] { return ListShows({key_}); });
    if (conditional) {
      Check("create only if absent", [&] {
        return Refused({PutCondition::Kind::kIfAbsent, {}}, kOther);
      });
      Check("replace only if unchanged", [&] { return ReplaceIfUnchanged(); });
    } else {
      checks_.push_back({"create only if absent", false,
                         "not offered: two writers at a time are not kept apart"});
    }
    if (store_.abilities().copy) Check("copy", [&] { return Copy(); });
    Check("delete", [&] { return Delete(); });
    return std::move(checks_);
  }

 private:
  void Check(std::string name, const std::function<Result<>()>& check) {
    const auto result = check();
    checks_.push_back({std::move(name), result.has_value(),
                       result ? std::string("ok") : result.error().ToString()});
  }

  Result<> Write() {
    ASSIGN_OR_RETURN(const ObjectInfo info, store_.Put(key_, TextSource(kContent), {}, stop_));
    etag_ = info.etag;
    if (info.size_bytes == kContent.size()) return Ok();
    return Wrong("the store keeps another number of bytes than were sent");
  }

  Result<> ReadIs(const std::string& key, std::string_view content) {
    ASSIGN_OR_RETURN(const std::string text, GetText(store_, key, 1 << 10, stop_));
    return text == content ? Ok() : Wrong("other bytes come back than were sent");
  }

  Result<> RangedRead() {
    std::string text;
    ASSIGN_OR_RETURN(const ObjectInfo info, store_.Get(
                                                key_, ByteRange{6, 5},
                                                [&](std::string_view bytes) {
                                                  text += bytes;
                                                  return Ok();
                                                },
                                                stop_));
    return text == kContent.substr(6, 5) ? Ok() : Wrong("the range is not honoured");
  }

  Result<> Look() {
    ASSIGN_OR_RETURN(const ObjectInfo info, store_.Head(key_, stop_));
    return info.size_bytes == kContent.size() ? Ok() : Wrong("it shows another size");
  }

  Result<> ListShows(const std::set<std::string>& keys) {
    std::set<std::string> shown;
    ListRequest request;
    request.prefix = prefix_;
    RETURN_IF_ERROR(ListAll(
        store_, request,
        [&](const ObjectInfo& object) {
          shown.insert(object.key);
          return true;
        },
        stop_));
    return shown == keys ? Ok() : Wrong("it shows " + std::to_string(shown.size()) + " objects");
  }

  // The store must say no, and keep what it has.
  Result<> Refused(const PutCondition& condition, std::string_view content) {
    const auto put = store_.Put(key_, TextSource(content), condition, stop_);
    if (put) return Wrong("the condition is ignored");
    const ErrorCode code = put.error().code;
    if (code != ErrorCode::kAlreadyExists && code != ErrorCode::kFailedPrecondition) {
      return put.error();
    }
    return ReadIs(key_, kContent);
  }

  Result<> ReplaceIfUnchanged() {
    RETURN_IF_ERROR(Refused({PutCondition::Kind::kIfMatch, etag_ + "0"}, kOther));
    ASSIGN_OR_RETURN(
        const ObjectInfo info,
        store_.Put(key_, TextSource(kContent), {PutCondition::Kind::kIfMatch, etag_}, stop_));
    return Ok();
  }

  Result<> Copy() {
    ASSIGN_OR_RETURN(const ObjectInfo info, store_.Copy(key_, copy_, stop_));
    return ReadIs(copy_, kContent);
  }

  Result<> Delete() {
    const std::vector<std::string> keys = {key_, copy_};
    RETURN_IF_ERROR(store_.Delete(keys, stop_));
    return ListShows({});
  }

  ObjectStore& store_;
  const std::stop_token stop_;
  const std::string key_;
  const std::string copy_;
  const std::string prefix_;
  std::string etag_;
  std::vector<RemoteCheck> checks_;
};

}  // namespace

Result<std::vector<RemoteCheck>> ProbeRemote(ObjectStore& store, const std::string& id,
                                             std::stop_token stop) {
  std::vector<RemoteCheck> checks = Probe(store, id, stop).Run();
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "cancelled"};
  return checks;
}

}  // namespace ficus
