// Result<T>: a T or an Error. Member names follow std::expected, which this compiler does not have
// in C++20.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/base/check.h"
#include "engine/base/error.h"

namespace ficus {

template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // The value; CHECKs that there is one.
  T& value() & {
    CHECK(has_value()) << error().ToString();
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK(has_value()) << error().ToString();
    return std::get<0>(state_);
  }
  // By value, so that `for (... : *Make())` does not walk a value that is gone.
  T value() && {
    CHECK(has_value()) << error().ToString();
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // The error; CHECKs that there is one.
  const Error& error() const& {
    CHECK(!has_value());
    return std::get<1>(state_);
  }
  Error&& error() && {
    CHECK(!has_value());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const { CHECK(has_value()) << error_->ToString(); }

  const Error& error() const& {
    CHECK(!has_value());
    return *error_;
  }
  Error&& error() && {
    CHECK(!has_value());
    return *std::move(error_);
  }

 private:
  std::optional<Error> error_;
};

// The success of an operation that has nothing to say.
inline Result<> Ok() { return {}; }

}  // namespace ficus

#define FICUS_CONCAT_INNER(a, b) a##b
#define FICUS_CONCAT(a, b) FICUS_CONCAT_INNER(a, b)

// Returns the error of `expr` from the calling function, if it has one.
#define RETURN_IF_ERROR(expr)                                    \
  do {                                                           \
    if (auto ficus_result = (expr); !ficus_result.has_value()) { \
      return std::move(ficus_result).error();                    \
    }                                                            \
  } while (false)

// ASSIGN_OR_RETURN(auto part, Open(...)): the value, or the error returned from the calling
// function.
#define ASSIGN_OR_RETURN(target, expr) \
  ASSIGN_OR_RETURN_INNER(FICUS_CONCAT(ficus_assign_, __COUNTER__), target, expr)
#define ASSIGN_OR_RETURN_INNER(temporary, target, expr) \
  auto temporary = (expr);                              \
  if (!temporary.has_value()) {                         \
    return std::move(temporary).error();                \
  }                                                     \
  target = std::move(temporary).value()
