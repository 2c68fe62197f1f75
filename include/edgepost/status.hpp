#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace edgepost {

/// What went wrong, as the caller can act on it. A code says what to do; the message says what
/// and where. There are at most twelve, so that a caller can handle every one.
enum class Code : unsigned char {
  ok,                ///< It worked; nothing to do.
  invalid_argument,  ///< The input breaks a rule that the message names: correct the call.
  not_found,         ///< No such stream, consumer or file: create it, or correct the name.
  already_exists,    ///< The name is taken: open the existing one, or choose another name.
  wrong_state,       ///< Not now: the object is closed, read-only or inside a handler; reorder.
  full,              ///< A quota or the disk is full: drain, raise the quota, or drop the event.
  busy,              ///< Another process holds it (the message may have its pid): stop that first.
  unavailable,       ///< The other side cannot be reached just now: try again later.
  refused,           ///< The other side said no: change credentials or configuration.
  corrupt,           ///< What was read is damaged: run `edgepost verify`, restore a backup.
  io_error,          ///< The operating system failed: check the disk, the path and permissions.
  unsupported,       ///< Made by a newer version or a missing part: upgrade, or link the part.
};

/// The name of `code` as it stands in the enum, for logs and the command line.
std::string_view to_string(Code code);

/// Abort handler of `EDGEPOST_ASSERT`: receives the condition's text and its place.
using AssertHandler = void (*)(const char* condition, const char* file, int line);

/// Replaces what runs when an internal assertion fails, for example to write a crash record.
/// The process is aborted when the handler returns.
/// Threads: may be called from any thread; the last call wins.
void set_assert_handler(AssertHandler handler);

/// Ends the process through the assert handler. Called by `EDGEPOST_ASSERT` only.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

/// Checks what only a bug of ours or a misuse of the API can break; on in every build.
#define EDGEPOST_ASSERT(condition) \
  ((condition) ? void(0) : ::edgepost::assert_failed(#condition, __FILE__, __LINE__))

/// The outcome of an operation: a code and, unless it is ok, a sentence that names what and where.
class [[nodiscard]] Status {
 public:
  /// Success.
  Status() = default;

  /// A failure. `message` names the field, file or peer and what is wrong with it, in words that
  /// can be shown to an operator; it never contains a secret.
  /// Requires: `code` is not `ok`.
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {
    EDGEPOST_ASSERT(code != Code::ok);
  }

  /// True when the operation succeeded.
  [[nodiscard]] bool is_ok() const { return code_ == Code::ok; }

  /// The code to act on.
  [[nodiscard]] Code code() const { return code_; }

  /// The sentence to show; empty when ok.
  [[nodiscard]] const std::string& message() const { return message_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

/// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  /// Success, holding `value`.
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose, as in `return x;`

  /// Failure. Requires: `status` is not ok.
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit, as in `return status;`
    EDGEPOST_ASSERT(!status_.is_ok());
  }

  /// True when there is a value.
  [[nodiscard]] bool is_ok() const { return value_.has_value(); }

  /// True when there is a value.
  explicit operator bool() const { return is_ok(); }

  /// Why there is no value; ok when there is one.
  [[nodiscard]] const Status& status() const { return status_; }

  /// The value. Requires: `is_ok()`.
  [[nodiscard]] T& value() & {
    EDGEPOST_ASSERT(value_.has_value());
    return *value_;
  }

  /// The value. Requires: `is_ok()`.
  [[nodiscard]] const T& value() const& {
    EDGEPOST_ASSERT(value_.has_value());
    return *value_;
  }

  /// The value, moved out, so that it outlives a temporary: `for (const Event& e : *read())` walks
  /// over something that still exists. Requires: `is_ok()`.
  [[nodiscard]] T value() && {
    EDGEPOST_ASSERT(value_.has_value());
    return std::move(*value_);
  }

  /// The value. Requires: `is_ok()`.
  T& operator*() & { return value(); }

  /// The value. Requires: `is_ok()`.
  const T& operator*() const& { return value(); }

  /// The value, moved out. Requires: `is_ok()`.
  T operator*() && { return std::move(*this).value(); }

  /// The value's member. Requires: `is_ok()`.
  T* operator->() { return &value(); }

  /// The value's member. Requires: `is_ok()`.
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace edgepost
