// A request of the library's own C++ code for memory fails. Without exceptions that ends the
// process, so each point is a child of its own, which dies, and a new owner of its database.
#include <doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "edgepost/sim/allocator.hpp"
#include "sim/campaign.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;

namespace {

// Where operator new of this program has its memory from. It is made before anything else and never
// destroyed.
sim::Allocator& memory() {
  alignas(sim::Allocator) static unsigned char place[sizeof(sim::Allocator)];
  static auto* const allocator = ::new (static_cast<void*>(place)) sim::Allocator;
  return *allocator;
}

}  // namespace

void* operator new(std::size_t bytes) {
  void* const block = memory().allocate(bytes);
  if (block == nullptr) std::abort();  // as it ends when nobody catches std::bad_alloc
  return block;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return memory().allocate(bytes);
}
void operator delete(void* block) noexcept { memory().release(block); }
void operator delete(void* block, std::size_t) noexcept { memory().release(block); }

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

// A gateway's work in a child, whose memory fails at request `fails_at`. The child tells of each
// event that is stored, and at its end how many requests it made.
class Child {
 public:
  Child(const GatewayOptions& options, std::uint64_t fails_at) {
    EDGEPOST_ASSERT(::pipe(pipe_) == 0);
    pid_ = ::fork();
    EDGEPOST_ASSERT(pid_ >= 0);
    if (pid_ == 0) {
      ::close(STDOUT_FILENO);
      ::close(STDERR_FILENO);
      ::signal(SIGABRT, SIG_DFL);  // it is not the test that fails
      const std::uint64_t before = memory().requests();
      if (fails_at != kNever) memory().fail_at(before + fails_at);
      work(options);
      tell(memory().requests() - before);
      ::_exit(0);
    }
    ::close(pipe_[1]);
    std::uint64_t word = 0;
    while (::read(pipe_[0], &word, sizeof word) == sizeof word)
      told.push_back(word);
    ::close(pipe_[0]);
    int status = 0;
    EDGEPOST_ASSERT(::waitpid(pid_, &status, 0) == pid_);
    is_finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    is_aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (!is_finished) return;
    requests = told.back();
    told.pop_back();
  }

  std::vector<std::uint64_t> told;  // the events that were stored
  std::uint64_t requests = 0;       // which are a few more or less each time
  bool is_finished = false;
  bool is_aborted = false;

 private:
  void tell(std::uint64_t word) {
    if (::write(pipe_[1], &word, sizeof word) != sizeof word) ::_exit(1);
  }

  void work(const GatewayOptions& options) {
    constexpr int kEvents = 12;
    auto gateway = Gateway::open(options);
    if (!gateway || !(*gateway)->create_stream({.name = "outbox", .filters = {"#"}}).is_ok()) {
      ::_exit(2);
    }
    auto consumer = (*gateway)->consumer("outbox", {.name = "cloud"});
    if (!consumer) ::_exit(3);
    for (int i = 1; i <= kEvents; ++i) {
      Event event{.topic = "t", .data = std::to_string(i), .key = std::to_string(i % 3)};
      if (i % 4 == 0) {
        if (!(*gateway)
                 ->transact(
                     [&](Transaction& transaction) { return transaction.publish(event).status(); })
                 .is_ok()) {
          ::_exit(4);
        }
      } else if (!(*gateway)->publish(event).is_ok()) {
        ::_exit(5);
      }
      tell(static_cast<std::uint64_t>(i));
      if (i % 3 != 0) continue;
      const auto fetched = consumer->fetch({.events = 2});
      if (fetched && !fetched->empty()) (void)consumer->acknowledge(fetched->front().sequence);
    }
    (void)(*gateway)->flush();
  }

  int pipe_[2] = {-1, -1};
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE_FIXTURE(test::GatewayFixture,
                  "memory: a failing operator new loses nothing stored [P-01] [P-04] [P-06]") {
  const Child whole(options, kNever);
  REQUIRE(whole.is_finished);
  const std::uint64_t requests = whole.requests;
  const std::uint64_t stride = test::campaign_stride(5);
  std::uint64_t points = 0;
  for (std::uint64_t request = 0; request < requests; request += stride, ++points) {
    INFO("request " << request << " of " << requests);
    options.database = dir.file("gateway-" + std::to_string(request) + ".db");
    const Child child(options, request);
    CHECK((child.is_aborted || child.is_finished));
    open();
    const std::uint64_t known = child.told.empty() ? 0 : child.told.back();
    const Ledger ledger = outbox().ledger;
    CHECK(test::balances(ledger));
    CHECK(ledger.published >= known);
    CHECK(ledger.published <= known + 1);  // its answer may have been on the way
    check_sound();
    close();
  }
  MESSAGE(points << " points of " << requests << " requests");
}
