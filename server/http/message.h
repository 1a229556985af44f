// What a route is asked and what it answers.
#pragma once

#include <string>

namespace ficus {

struct HttpRequest {
  std::string method;  // "GET", as sent
  std::string path;    // "/api/healthz", as sent: nothing is decoded
  std::string query;   // what stood behind the question mark
  std::string accept;  // the Accept header, or nothing
  std::string authorization;
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow;      // for 405: the methods that the path knows
  std::string challenge;  // for 401: how to say who one is
};

}  // namespace ficus
