#include "uplink/window.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace edgepost {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct WindowFixture {
  WindowFixture() { window.begin(100); }
  // A round: what fits goes out, and is answered after `took`.
  void round(Duration took) {
    const std::size_t size = window.size();
    const std::uint64_t first = last + 1;
    last += size;
    for (std::uint64_t token = first; token <= first + size - 1; ++token)
      window.answered(token, took, last);
  }
  Window window;
  std::uint64_t last = 0;
};

TEST_CASE_FIXTURE(WindowFixture,
                  "window: it doubles with each round of quick answers, to its end") {
  for (const std::size_t expected : {8U, 16U, 32U, 64U, 100U, 100U}) {
    CHECK(window.size() == expected);
    round(milliseconds(900));
  }
}

TEST_CASE_FIXTURE(WindowFixture, "window: a round of late answers halves it once, down to one") {
  for (const std::size_t expected : {8U, 4U, 2U, 1U, 1U}) {
    CHECK(window.size() == expected);
    round(milliseconds(2'100));
  }
}

TEST_CASE_FIXTURE(WindowFixture, "window: answers in between leave it as it is") {
  round(milliseconds(1'500));
  CHECK(window.size() == 8);
}

TEST_CASE_FIXTURE(WindowFixture, "window: a new connection begins anew, within its limit") {
  round(seconds(0));
  window.begin(3);
  CHECK(window.size() == 3);
  CHECK(window.max() == 3);
}

}  // namespace
}  // namespace edgepost
