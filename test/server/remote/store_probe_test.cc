#include "server/remote/store_probe.h"

#include "server/remote/faulty_store.h"
#include "server/remote/file_store.h"
#include "server/remote/memory_store.h"
#include "test/server/remote/store_verbs.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::vector<ProbeVerdict> ProbeIt(ObjectStore& store) {
  SeededRandom random(1);
  const auto verdicts = ProbeStore(store, random, {});
  REQUIRE(verdicts.has_value());
  return *verdicts;
}

std::vector<std::string> Failed(const std::vector<ProbeVerdict>& verdicts) {
  std::vector<std::string> names;
  for (const ProbeVerdict& verdict : verdicts) {
    REQUIRE_FALSE(verdict.detail.empty());
    if (!verdict.ok) names.push_back(verdict.name);
  }
  return names;
}

using Names = std::vector<std::string>;

// A store with manners of its own: each is one that real ones have.
enum class Manner { kNoConditions, kWrongRange, kFolderOrder, kNoPages, kKeepsDeleted };

class OddStore final : public ObjectStore {
 public:
  explicit OddStore(Manner manner) : manner_(manner) {}
  const std::string& url() const override { return inner_.url(); }
  StoreAbilities abilities() const override { return {}; }
  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override {
    const bool ignored = manner_ == Manner::kNoConditions;
    return inner_.Put(key, source, ignored ? PutCondition{} : condition, std::move(stop));
  }
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override {
    if (manner_ == Manner::kWrongRange) range = std::nullopt;
    return inner_.Get(key, range, sink, std::move(stop));
  }
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override {
    return inner_.Head(key, std::move(stop));
  }
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override {
    return inner_.Copy(from, to, std::move(stop));
  }
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override {
    if (manner_ == Manner::kKeepsDeleted) return Ok();
    return inner_.Delete(keys, std::move(stop));
  }
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override {
    ASSIGN_OR_RETURN(ListPage page, inner_.List(request, std::move(stop)));
    if (manner_ == Manner::kNoPages) page.next.reset();
    if (manner_ == Manner::kFolderOrder) std::reverse(page.objects.begin(), page.objects.end());
    return page;
  }
  MemoryStore& inner() { return inner_; }

 private:
  const Manner manner_;
  MemoryStore inner_;
};

}  // namespace

TEST_CASE("a good store passes the probe and nothing is left", "[remote]") {
  MemoryStore memory;
  Put(memory, "mine", "x");
  const auto verdicts = ProbeIt(memory);
  REQUIRE(verdicts.size() == 15);
  REQUIRE(AllOk(verdicts));
  REQUIRE(Keys(memory) == Names{"mine"});

  const TempDirectory temp;
  const auto file = OpenFileStore(temp.path(), {});
  REQUIRE(AllOk(ProbeIt(**file)));
  REQUIRE(Keys(**file).empty());
}

TEST_CASE("what a store does wrong has a verdict of its own", "[remote]") {
  const auto failed = [](Manner manner) {
    OddStore store(manner);
    const Names names = Failed(ProbeIt(store));
    if (manner != Manner::kKeepsDeleted) REQUIRE(store.inner().Contents().empty());
    return names;
  };
  REQUIRE(failed(Manner::kNoConditions) == Names{"put if absent", "put if match"});
  REQUIRE(failed(Manner::kWrongRange) == Names{"ranged get"});
  REQUIRE(failed(Manner::kFolderOrder) == Names{"list", "list in pages"});
  REQUIRE(failed(Manner::kNoPages) == Names{"list in pages"});
  REQUIRE(failed(Manner::kKeepsDeleted) == Names{"delete", "clean up"});
}

TEST_CASE("a probe that cannot write reads nothing", "[remote]") {
  MemoryStore memory;
  FaultyStore store(memory);
  store.AddFault({.op = StoreOp::kPut, .times = UINT64_MAX, .code = ErrorCode::kPermissionDenied});
  const auto verdicts = ProbeIt(store);
  REQUIRE(Failed(verdicts) == Names{"put"});
  REQUIRE(verdicts.size() == 2);
  REQUIRE(verdicts[0].detail.find("permission denied") != std::string::npos);
}

TEST_CASE("a probe cleans up whatever fails, and after a stop", "[remote]") {
  for (uint64_t fault = 0; fault < 40; ++fault) {
    CAPTURE(fault);
    MemoryStore memory;
    FaultyStore store(memory);
    store.AddFault({.kind = FaultKind::kLostAnswer, .skip = fault});
    const auto verdicts = ProbeIt(store);
    const bool clean = verdicts.back().ok;
    REQUIRE(verdicts.back().name == "clean up");
    if (clean) REQUIRE(memory.Contents().empty());
  }
  for (uint64_t request = 0; request < 30; ++request) {
    MemoryStore memory;
    FaultyStore store(memory);
    std::stop_source stop;
    store.SetObserver([&](uint64_t number, StoreOp, std::string_view) {
      if (number == request) stop.request_stop();
    });
    SeededRandom random(1);
    REQUIRE(CodeOf(ProbeStore(store, random, stop.get_token())) == ErrorCode::kCancelled);
    REQUIRE(memory.Contents().empty());
  }
}

}  // namespace ficus
