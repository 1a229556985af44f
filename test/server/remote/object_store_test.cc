#include "server/remote/object_store.h"

#include "server/remote/memory_store.h"
#include "test/server/remote/object_store_conformance.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {

TEST_CASE("a key that is refused is told why", "[remote]") {
  const auto why = [](std::string_view key) { return TextOf(CheckKey(key)); };
  REQUIRE(why("") == "key '': empty");
  REQUIRE(why("a/../b") == "key 'a/../b': a piece '..'");
  REQUIRE(why("/a") == "key '/a': an empty piece between slashes");
  REQUIRE(why("a\nb") == "key 'a?b': not printable UTF-8");
  REQUIRE(why(std::string("a\0b", 3)) == "key 'a?b': not printable UTF-8");
  REQUIRE(why(".ficus-tmp/x") == "key '.ficus-tmp/x': the store keeps its own files there");
  REQUIRE(why(std::string(2000, 'x')).find("2000 bytes, at most 900") != std::string::npos);
  REQUIRE(why(std::string(2000, 'x')).size() < 200);
  REQUIRE(why("a/" + std::string(256, 'x')).find("256 bytes, at most 255") != std::string::npos);
  for (const std::string& key : HostileKeys()) REQUIRE_FALSE(CheckKey(key).has_value());
}

TEST_CASE("a text is a source that ends where it ends", "[remote]") {
  const TextSource source("abc");
  REQUIRE(source.size_bytes() == 3);
  std::string out(2, '\0');
  REQUIRE(source.ReadAt(1, out).has_value());
  REQUIRE(out == "bc");
  REQUIRE(CodeOf(source.ReadAt(2, out)) == ErrorCode::kIo);
  REQUIRE(CodeOf(source.ReadAt(4, {})) == ErrorCode::kIo);
  REQUIRE(CodeOf(source.ReadAt(UINT64_MAX, out)) == ErrorCode::kIo);
  REQUIRE(source.ReadAt(3, {}).has_value());
}

TEST_CASE("a list that leads back ends", "[remote]") {
  class CirclingStore final : public ObjectStore {
   public:
    const std::string& url() const override { return inner_.url(); }
    StoreAbilities abilities() const override { return {}; }
    Result<ObjectInfo> Put(std::string_view, const ObjectSource&, const PutCondition&,
                           std::stop_token) override {
      return Unexpected();
    }
    Result<ObjectInfo> Get(std::string_view, std::optional<ByteRange>, const Sink&,
                           std::stop_token) override {
      return Unexpected();
    }
    Result<ObjectInfo> Head(std::string_view, std::stop_token) override { return Unexpected(); }
    Result<ObjectInfo> Copy(std::string_view, std::string_view, std::stop_token) override {
      return Unexpected();
    }
    Result<> Delete(std::span<const std::string>, std::stop_token) override { return Unexpected(); }
    Result<ListPage> List(const ListRequest&, std::stop_token) override {
      ListPage page;
      page.next = "same";
      return page;
    }

   private:
    static Error Unexpected() { return {ErrorCode::kUnimplemented, "only lists"}; }
    MemoryStore inner_;
  };
  CirclingStore store;
  const auto visit = [](const ObjectInfo&) { return true; };
  REQUIRE(CodeOf(ListAll(store, {}, visit, {})) == ErrorCode::kCorruption);
}

}  // namespace ficus
