#include "server/security/user_file.h"

#include <set>
#include <utility>

#include <fmt/core.h>

#include "config/yaml_tree.h"
#include "server/security/password_hash.h"
#include "server/security/secret_file.h"

namespace ficus {
namespace {

Error Wrong(const TextPosition& at, const std::string& what) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", at.line, at.column, what)};
}

const YamlEntry* Find(const YamlNode& mapping, std::string_view key) {
  for (const YamlEntry& entry : mapping.entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

// The text of a key of a user; empty when the key is not there.
Result<std::string> TextOf(const YamlNode& user, std::string_view key) {
  const YamlEntry* const entry = Find(user, key);
  if (entry == nullptr) return std::string();
  if (entry->value.kind != YamlNode::Kind::kScalar || entry->value.text.empty()) {
    return Wrong(entry->position, fmt::format("{} takes a text", key));
  }
  return entry->value.text;
}

// A mistyped key could be a password that stands at the wrong place: it is not repeated.
Result<> CheckKeys(const YamlNode& user) {
  std::set<std::string_view> seen;
  for (const YamlEntry& entry : user.entries) {
    if (entry.key != "username" && entry.key != "password" && entry.key != "password_hash") {
      return Wrong(entry.position,
                   "unknown key: a user has username, and password or password_hash");
    }
    if (!seen.insert(entry.key).second) return Wrong(entry.position, entry.key + " is given twice");
  }
  return Ok();
}

Result<User> ParseUser(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kMapping) {
    return Wrong(node.position, "a user is a section with username and password or password_hash");
  }
  RETURN_IF_ERROR(CheckKeys(node));
  User user;
  ASSIGN_OR_RETURN(user.name, TextOf(node, "username"));
  ASSIGN_OR_RETURN(user.password, TextOf(node, "password"));
  ASSIGN_OR_RETURN(user.password_hash, TextOf(node, "password_hash"));
  if (const auto fits = CheckSendable(user.name, kUserNameBytesMax); !fits.has_value()) {
    return Wrong(node.position, "username " + fits.error().message);
  }
  if (user.password.empty() == user.password_hash.empty()) {
    return Wrong(node.position,
                 fmt::format("user {} needs one of password and password_hash", user.name));
  }
  const Result<> fits = user.password.empty() ? CheckPasswordHash(user.password_hash)
                                              : CheckSendable(user.password, kPasswordBytesMax);
  if (!fits.has_value()) {
    return Wrong(node.position, fmt::format("the {} of user {} {}",
                                            user.password.empty() ? "password_hash" : "password",
                                            user.name, fits.error().message));
  }
  return user;
}

Result<const YamlNode*> UsersOf(const YamlDocument& document) {
  // The library's words may repeat what stands there.
  if (!document.mistakes.empty()) {
    return Wrong(document.mistakes.front().position, "is no YAML that can be read");
  }
  const YamlNode& root = document.root;
  if (root.kind != YamlNode::Kind::kMapping || root.entries.size() != 1 ||
      root.entries.front().key != "users") {
    return Wrong(root.position, "must hold one key, users:, and a list below it");
  }
  const YamlNode& users = root.entries.front().value;
  if (users.kind != YamlNode::Kind::kSequence || users.items.empty()) {
    return Wrong(users.position, "users: takes a list of at least one user");
  }
  return &users;
}

}  // namespace

Result<std::vector<User>> ParseUsers(std::string_view text) {
  const YamlDocument document = ParseYaml(text);
  ASSIGN_OR_RETURN(const YamlNode* const list, UsersOf(document));
  if (list->items.size() > kUsersMax) {
    return Wrong(list->position, fmt::format("more than {} users", kUsersMax));
  }
  std::vector<User> users;
  std::set<std::string> names;
  for (const YamlNode& item : list->items) {
    ASSIGN_OR_RETURN(User user, ParseUser(item));
    if (!names.insert(user.name).second) {
      return Wrong(item.position, fmt::format("user {} is given twice", user.name));
    }
    users.push_back(std::move(user));
  }
  return users;
}

Result<std::vector<User>> ReadUsers(const std::string& path) {
  SecretFileRules rules;
  rules.readers = FileReaders::kOwnerOnly;
  rules.bytes_max = kYamlBytesMax;
  rules.credentials_folder = CredentialsFolder();
  ASSIGN_OR_RETURN(std::string text, ReadSecretFile(path, rules));
  Result<std::vector<User>> users = ParseUsers(text);
  Wipe(text);
  if (!users.has_value()) {
    return Error{users.error().code, path + ":" + users.error().message};
  }
  return users;
}

}  // namespace ficus
