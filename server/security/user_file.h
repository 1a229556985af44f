// Who may sign in: BanyanDB's file of users, with hashes allowed in place of passwords.
//
//     users:
//       - username: oap
//         password_hash: $y$j9T$...      # made by `ficusctl auth hash`
//       - username: grafana
//         password: in-plain-text        # as BanyanDB has it
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace ficus {

inline constexpr size_t kUserNameBytesMax = 128;
inline constexpr size_t kUsersMax = 10'000;

// Exactly one of `password` and `password_hash` is given.
struct User {
  std::string name;
  std::string password;
  std::string password_hash;
};

// The users of a file's text, in its order. kInvalidArgument: the first mistake, with line and
// column; it names users and keys, but no password, no hash and no line of the file. Pure.
Result<std::vector<User>> ParseUsers(std::string_view text);

// Reads and parses the file, which nobody but its owner may read or write. The message names the
// path. Any thread; blocks.
Result<std::vector<User>> ReadUsers(const std::string& path);

}  // namespace ficus
