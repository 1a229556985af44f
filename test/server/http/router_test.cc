#include "server/http/router.h"

#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"

namespace ficus {
namespace {

HttpHandler Say(const std::string& body) {
  return [body](const HttpRequest&) {
    HttpResponse response;
    response.body = body;
    return response;
  };
}

HttpRequest Request(const std::string& method, const std::string& path) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  return request;
}

TEST_CASE("a path and its method find their handler", "[http]") {
  HttpRouter router;
  router.Add("GET", "/a", Say("get"));
  router.Add("POST", "/a", Say("post"));
  router.Add("GET", "/b", Say("b"));
  REQUIRE(router.Handle(Request("GET", "/a")).body == "get");
  REQUIRE(router.Handle(Request("HEAD", "/a")).body == "get");
  REQUIRE(router.Handle(Request("POST", "/a")).body == "post");
  REQUIRE(router.Handle(Request("GET", "/b")).body == "b");
}

TEST_CASE("an unknown path is 404, whatever the method", "[http]") {
  HttpRouter router;
  router.Add("GET", "/a", Say("a"));
  const std::string path = GENERATE("", "/", "/A", "/a/", "//a", "/a/b", "/%61", "a", "*");
  for (const char* method : {"GET", "POST", "OPTIONS", ""}) {
    const HttpResponse response = router.Handle(Request(method, path));
    REQUIRE(response.status == 404);
    REQUIRE(response.allow == "");
  }
}

TEST_CASE("another method is 405 and told which there are", "[http]") {
  HttpRouter router;
  router.Add("GET", "/a", Say("a"));
  router.Add("DELETE", "/a", Say("a"));
  const std::string method = GENERATE("POST", "get", "BREW", "");
  const HttpResponse response = router.Handle(Request(method, "/a"));
  REQUIRE(response.status == 405);
  REQUIRE(response.allow == "DELETE, GET, HEAD");
}

TEST_CASE("a handler that throws is 500 and logged", "[http]") {
  HttpRouter router;
  router.Add("GET", "/a",
             [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret detail"); });
  const LogCapture capture;
  const HttpResponse response = router.Handle(Request("GET", "/a"));
  REQUIRE(response.status == 500);
  REQUIRE(response.body == "internal error\n");
  REQUIRE(capture.Count("http.handler_failed") == 1);
  REQUIRE(capture.lines()[0].text == "GET /a: secret detail");
}

}  // namespace
}  // namespace ficus
