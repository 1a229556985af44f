// Which handler answers which method and path.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "server/http/message.h"

namespace ficus {

// Quick and without blocking: all connections of a server share one thread.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Filled before the server starts, then constant and for any thread.
class HttpRouter {
 public:
  // `path` matches as a whole. A handler of GET answers HEAD too.
  void Add(const std::string& method, const std::string& path, HttpHandler handler);

  // 404 for an unknown path, 405 with the known methods for another method, 500 when the handler
  // throws. The body of an answer to HEAD is there all the same; the server leaves it out.
  HttpResponse Handle(const HttpRequest& request) const;

 private:
  using Methods = std::map<std::string, HttpHandler>;
  std::map<std::string, Methods> paths_;
};

}  // namespace ficus
