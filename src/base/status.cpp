#include "edgepost/status.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace edgepost {
namespace {

// Standard error is not buffered, so this is one write and takes nothing from the heap, which may
// be what is broken.
void print_assertion(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "edgepost: assertion failed: %s (%s:%d)\n", condition, file, line);
}

// The one mutable variable of the whole process: an assertion fails where no object is at hand
// that could carry the handler.
constinit std::atomic<AssertHandler> assert_handler = print_assertion;

}  // namespace

std::string_view to_string(Code code) {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::not_found:
      return "not_found";
    case Code::already_exists:
      return "already_exists";
    case Code::wrong_state:
      return "wrong_state";
    case Code::full:
      return "full";
    case Code::busy:
      return "busy";
    case Code::unavailable:
      return "unavailable";
    case Code::refused:
      return "refused";
    case Code::corrupt:
      return "corrupt";
    case Code::io_error:
      return "io_error";
    case Code::unsupported:
      return "unsupported";
  }
  return "unknown";
}

void set_assert_handler(AssertHandler handler) {
  assert_handler.store(handler == nullptr ? print_assertion : handler);
}

void assert_failed(const char* condition, const char* file, int line) {
  assert_handler.load()(condition, file, line);
  std::abort();
}

}  // namespace edgepost
