#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "support/fake_random.hpp"
#include "uplink/brain.hpp"
#include "uplink/selector.hpp"

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Edge = std::pair<UplinkState, UplinkState>;

// What the comments of UplinkState allow; what one input does may pass through two of them.
const std::set<Edge>& legal_edges() {
  using enum UplinkState;
  static const std::set<Edge> edges = {
      {stopped, waiting},    {waiting, connecting}, {waiting, stopped},    {connecting, online},
      {connecting, waiting}, {connecting, blocked}, {connecting, stopped}, {online, waiting},
      {online, blocked},     {online, draining},    {draining, stopped},   {blocked, waiting},
      {blocked, connecting}, {blocked, stopped}};
  return edges;
}

// Two brains and a selector, driven with random inputs by a seed; each step is checked.
class Model {
 public:
  explicit Model(std::uint64_t seed) : draw_(seed), random_(seed) {
    options_.max_in_flight = static_cast<std::size_t>(1 + draw_() % 40);
    options_.breaker.success_percent_min = draw_() % 2 == 0 ? 0 : 50;
    options_.failover.fail_back_after = seconds(2);  // else it hardly ever comes to that
    options_.failover.is_split = draw_() % 4 == 0;
    selector_ = std::make_unique<Selector>(options_.failover, options_.breaker.trip_after,
                                           std::vector<std::size_t>{0, 1});
    for (Lane& lane : lanes_)
      lane.brain = std::make_unique<Brain>(options_, random_);
  }

  void step() {
    for (Lane& lane : lanes_) {
      input(lane);
      act(lane);
    }
    choose();
    for (std::size_t i = 0; i < 2; ++i)
      send(i);
    pass_time();
  }

 private:
  struct Lane {
    std::unique_ptr<Brain> brain;
    UplinkState seen = UplinkState::stopped;
    bool has_link = false;
    std::vector<std::uint64_t> tokens;  // unanswered
    std::uint64_t last_token = 0;
    std::size_t limit = 0;
    Traffic traffic;
    Instant since;
  };

  std::uint64_t pick(std::uint64_t below) { return draw_() % below; }

  void check_edge(Lane& lane) {
    const UplinkState before = std::exchange(lane.seen, lane.brain->state());
    if (before == lane.seen) return;
    CHECK(legal_edges().contains(Edge(before, lane.seen)));
    if (lane.seen == UplinkState::online || before == UplinkState::stopped ||
        before == UplinkState::online) {
      lane.since = now_;
    }
    if (lane.seen != UplinkState::online && lane.seen != UplinkState::draining) {
      const std::size_t lost = lane.brain->take_void().size();
      CHECK(lost == lane.tokens.size());
      CHECK(lane.brain->in_flight() == 0);
      lane.tokens.clear();
    }
  }

  Answer any_answer() {
    static constexpr AnswerClass kClasses[] = {
        AnswerClass::acknowledged,  AnswerClass::acknowledged, AnswerClass::acknowledged,
        AnswerClass::link_down,     AnswerClass::slow_down,    AnswerClass::credentials,
        AnswerClass::configuration, AnswerClass::too_large,    AnswerClass::suspect,
        AnswerClass::conflict};
    Answer answer{kClasses[pick(std::size(kClasses))], "said so", {}};
    if (pick(4) == 0) answer.retry_after = seconds(pick(10'000));
    answer.is_unreachable = pick(2) == 0;
    return answer;
  }

  void input(Lane& lane) {
    Brain& brain = *lane.brain;
    switch (pick(12)) {
      case 0:
        if (brain.state() == UplinkState::blocked) brain.retry_now(now_);
        break;
      case 1:
        brain.probed(now_, pick(2) == 0);
        break;
      case 2:
        if (!lane.has_link) break;
        lane.has_link = false;
        brain.disconnected(now_, any_answer());
        break;
      case 3:
        if (brain.state() == UplinkState::online) brain.hold_back(now_);
        break;
      case 4:
        lane.traffic.sent += pick(3);
        lane.traffic.progress += pick(2) * (lane.traffic.sent - lane.traffic.progress);
        break;
      default:
        if (brain.state() == UplinkState::connecting) {
          lane.limit = static_cast<std::size_t>(1 + pick(20));
          PeerLimits limits{.in_flight_max = lane.limit};
          if (pick(3) == 0) limits.batch_events_max = lane.limit;
          brain.connected(now_, limits);
        } else if (!lane.tokens.empty()) {
          answer(lane);
        }
    }
    check_edge(lane);
    brain.progressed(now_, lane.traffic);
  }

  void answer(Lane& lane) {
    const auto token = lane.tokens.begin() + static_cast<std::ptrdiff_t>(pick(lane.tokens.size()));
    const std::uint64_t number = *token;
    lane.tokens.erase(token);
    CHECK(lane.brain->answered(now_, number, any_answer()).has_value());
    CHECK_FALSE(lane.brain->answered(now_, number, Answer{}).has_value());
  }

  void act(Lane& lane) {
    for (int i = 0; i < 10; ++i) {
      const LinkAction action = lane.brain->advance(now_, pick(2) == 0);
      check_edge(lane);
      if (action == LinkAction::none) return;
      if (action == LinkAction::connect) {
        CHECK_FALSE(lane.has_link);
        lane.has_link = true;
      }
      if (action == LinkAction::disconnect) lane.has_link = false;
    }
    FAIL_CHECK("it always wants something");
  }

  void choose() {
    std::vector<LaneView> views;
    for (const Lane& lane : lanes_) {
      const UplinkState state = lane.brain->state();
      const bool is_trying = state != UplinkState::stopped && state != UplinkState::blocked;
      const bool is_refused =
          state == UplinkState::blocked || lane.brain->breaker().state() == BreakerState::open;
      views.push_back({is_trying, state == UplinkState::online, is_refused, lane.since,
                       lane.brain->in_flight()});
    }
    selector_->advance(now_, views);
    if (!options_.failover.is_split) CHECK_FALSE((selector_->feeds(0) && selector_->feeds(1)));
    for (std::size_t i = 0; i < 2; ++i) {
      if (selector_->feeds(i)) CHECK(views[i].is_online);
      if (selector_->feeds(i)) CHECK(selector_->wants(i));
      Brain& brain = *lanes_[i].brain;
      if (selector_->wants(i)) {
        brain.start(now_);
      } else if (views[i].is_trying && brain.state() != UplinkState::draining) {
        brain.stop(now_ + seconds(5));
      }
      check_edge(lanes_[i]);
    }
    if (options_.failover.is_split) return;
    for (std::size_t i = 0; i < 2; ++i) {  // one is drained, or lost, before the other is fed
      if (selector_->feeds(i)) CHECK(lanes_[1 - i].tokens.empty());
    }
  }

  void send(std::size_t index) {
    Lane& lane = lanes_[index];
    Brain& brain = *lane.brain;
    const bool may_send = brain.state() == UplinkState::online && now_ >= brain.paused_until() &&
                          brain.breaker().state() != BreakerState::open;
    if (!may_send) CHECK(brain.room(now_) == 0);
    if (!selector_->feeds(index)) return;
    for (std::size_t room = std::min(brain.room(now_), static_cast<std::size_t>(pick(20)));
         room > 0; --room) {
      const std::uint64_t token = brain.sent(now_, {0, ++sequence_});
      CHECK(token > lane.last_token);
      lane.last_token = token;
      lane.tokens.push_back(token);
    }
    CHECK(brain.in_flight() == lane.tokens.size());
    CHECK(brain.in_flight() <= std::min(options_.max_in_flight, lane.limit));
  }

  void pass_time() {
    Instant due = selector_->wake_up();
    for (const Lane& lane : lanes_)
      due = std::min(due, lane.brain->wake_up(now_));
    // What is due now has to be done by the next step, and not be due for ever.
    rests_ = due <= now_ ? rests_ + 1 : 0;
    CHECK(rests_ < 20);
    if (pick(2) == 0) {
      now_ = std::max(now_, std::min(due, now_ + hours(2)));
    } else {
      now_ += milliseconds(1 + pick(3'000));
    }
  }

  std::mt19937_64 draw_;
  test::FakeRandom random_;
  UplinkOptions options_;
  std::unique_ptr<Selector> selector_;
  Lane lanes_[2];
  Instant now_ = Instant(hours(1));
  std::uint64_t sequence_ = 0;
  int rests_ = 0;
};

TEST_CASE("uplink model: brains and selector keep their rules under any input [P-31][P-32]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Model model(seed);
    for (int i = 0; i < 500; ++i)
      model.step();
  }
}

}  // namespace
}  // namespace edgepost
