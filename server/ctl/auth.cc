#include "server/ctl/auth.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/result.h"
#include "server/ctl/text_table.h"
#include "server/security/password_hash.h"
#include "server/security/secret_file.h"
#include "server/security/user_file.h"

namespace ficus {
namespace {

// A text that is wiped when it goes.
struct Secret {
  std::string text;

  Secret() = default;
  Secret(Secret&&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret() { Wipe(text); }
};

// What is typed at a terminal does not appear there while this lives.
class WithoutEcho {
 public:
  explicit WithoutEcho(int terminal) : terminal_(terminal) {
    active_ = ::tcgetattr(terminal_, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (active_) ::tcsetattr(terminal_, TCSAFLUSH, &silent);
  }
  ~WithoutEcho() {
    if (active_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  WithoutEcho(const WithoutEcho&) = delete;
  WithoutEcho& operator=(const WithoutEcho&) = delete;

 private:
  const int terminal_;
  bool active_ = false;
  termios before_{};
};

// One line, without its end.
Secret ReadLine(std::FILE* in) {
  Secret line;
  line.text.reserve(kPasswordBytesMax + 2);  // so that no copy is left behind
  for (int c = std::fgetc(in); c != EOF && c != '\n'; c = std::fgetc(in)) {
    if (line.text.size() <= kPasswordBytesMax) line.text.push_back(static_cast<char>(c));
  }
  if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
  return line;
}

Secret Ask(const Console& console, const char* question) {
  fmt::print(console.err, "{}: ", question);
  std::fflush(console.err);
  const WithoutEcho silent(::fileno(console.in));
  Secret answer = ReadLine(console.in);
  fmt::print(console.err, "\n");
  return answer;
}

Result<Secret> ReadPassword(const Console& console) {
  if (::fileno(console.in) < 0 || ::isatty(::fileno(console.in)) == 0) return ReadLine(console.in);
  Secret first = Ask(console, "Password");
  const Secret second = Ask(console, "Once more");
  if (first.text == second.text) return first;
  return Error{ErrorCode::kInvalidArgument, "the two passwords differ"};
}

ExitCode FailWith(const Console& console, const Error& error) {
  return Fail(console, {ExitCodeOf(error), error.message});
}

ExitCode Hash(const Console& console) {
  const Result<Secret> password = ReadPassword(console);
  if (!password.has_value()) return FailWith(console, password.error());
  const Result<std::string> hash = HashPassword(password->text);
  if (!hash.has_value()) return FailWith(console, hash.error());
  fmt::print(console.out, "{}\n", *hash);
  return ExitCode::kDone;
}

ExitCode Users(const Console& console, const std::string& file) {
  const Result<std::vector<User>> users = ReadUsers(file);
  if (!users.has_value()) return FailWith(console, users.error());
  TextTable table({"USER", "PASSWORD"});
  for (const User& user : *users) {
    table.Add({user.name, user.password.empty() ? "hash" : "plain text"});
  }
  fmt::print(console.out, "{}", table.Text());
  return ExitCode::kDone;
}

}  // namespace

void AddAuthCommands(CLI::App& app, Command& command) {
  CLI::App* const auth = app.add_subcommand("auth", "names and passwords");
  auth->require_subcommand(1);
  auth->add_subcommand("hash", "read a password from standard input and print its hash")
      ->callback([&command] { command = [](Console& console) { return Hash(console); }; });
  const auto file = std::make_shared<std::string>();
  CLI::App* const users = auth->add_subcommand("users", "check a file of users and list them");
  users->add_option("file", *file, "auth.users_file of the node")->required();
  users->callback(
      [file, &command] { command = [file](Console& console) { return Users(console, *file); }; });
}

}  // namespace ficus
