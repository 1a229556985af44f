#include "server/http/router.h"

#include <exception>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/log.h"

namespace ficus {

void HttpRouter::Add(const std::string& method, const std::string& path, HttpHandler handler) {
  Methods& methods = paths_[path];
  CHECK(methods.count(method) == 0) << method << " " << path << " twice";
  if (method == "GET") methods["HEAD"] = handler;
  methods[method] = std::move(handler);
}

HttpResponse HttpRouter::Handle(const HttpRequest& request) const {
  const auto path = paths_.find(request.path);
  HttpResponse response;
  if (path == paths_.end()) {
    response.status = 404;
    response.body = "no such path\n";
    return response;
  }
  const auto method = path->second.find(request.method);
  if (method == path->second.end()) {
    response.status = 405;
    response.body = "method not allowed\n";
    for (const auto& [name, handler] : path->second) {
      response.allow += (response.allow.empty() ? "" : ", ") + name;
    }
    return response;
  }
  try {
    return method->second(request);
  } catch (const std::exception& error) {
    LogError("http.handler_failed", "{} {}: {}", request.method, request.path, error.what());
    response.status = 500;
    response.body = "internal error\n";
    return response;
  }
}

}  // namespace ficus
