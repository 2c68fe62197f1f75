#include "sim/campaign.hpp"

#include <doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "edgepost/sim/allocator.hpp"
#include "sim/workload.hpp"

namespace edgepost::test {
namespace {

using sim::CutPolicy;
using sim::PowerCut;

constexpr std::uint64_t kShownFailures = 5;

std::string environment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

// A crash, whatever the disk did before, and a new start.
void crash(Machine& machine, Workload& workload, const PowerCut& cut) {
  if (machine.disk.is_on()) machine.disk.cut_power(cut);
  workload.close();
  machine.disk.clear_faults();
  machine.disk.power_on();
}

// Opens and checks, goes on, loses what is not synced, opens and checks again. Where only processes
// die, nothing is ever lost.
void check(const Config& config, Machine& machine, Workload& workload) {
  workload.go_on();
  const bool keeps = config.policy == CutPolicy::keep_all;
  crash(machine, workload, {keeps ? CutPolicy::keep_all : CutPolicy::drop_all, 1});
  workload.go_on();
  workload.close();
}

// Runs until some time after a failure and crashes, or to the end; then the failure ends.
void run_into_failure(const Config& config, std::uint64_t point, Machine& machine,
                      Workload& workload, const std::function<void()>& heal) {
  const bool crashes = point % 2 == 0;
  workload.run(crashes ? std::optional<int>(point / 2 % 4) : std::nullopt);
  if (!workload.has_failed()) return;
  if (crashes) {
    crash(machine, workload, {config.policy, config.seed + point});
  } else {
    workload.close();
    machine.disk.clear_faults();
  }
  heal();
  check(config, machine, workload);
}

}  // namespace

std::uint64_t calls_of(const Config& config) {
  Machine machine(config.disk, config.planted);
  Workload(machine, config.rounds).run();
  for (const std::string& problem : machine.oracle.problems)
    FAIL_CHECK("on a disk that works: " << problem);
  return machine.disk.calls();
}

Outcome cut_at(const Config& config, std::uint64_t call) {
  Machine machine(config.disk, config.planted);
  Workload workload(machine, config.rounds);
  const PowerCut cut{config.policy, config.seed + call};
  machine.disk.cut_power_at(call, cut);
  workload.run();
  crash(machine, workload, cut);
  check(config, machine, workload);
  return {machine.oracle.problems, machine.disk.struck(), machine.disk.struck_call()};
}

Outcome cut_twice_at(const Config& config, std::uint64_t call, std::uint64_t stride,
                     std::uint64_t& points) {
  Machine machine(config.disk, config.planted);
  Workload workload(machine, config.rounds);
  const PowerCut cut{config.policy, config.seed + call};
  machine.disk.cut_power_at(call, cut);
  workload.run();
  crash(machine, workload, cut);
  const Oracle oracle = machine.oracle;
  const sim::DiskImage image = machine.disk.image();
  for (std::uint64_t second = 0;; second += stride) {
    machine.disk.restore(image);
    machine.oracle = oracle;
    const PowerCut again{config.policy, cut.seed + second};
    machine.disk.cut_power_at(machine.disk.calls() + second, again);
    workload.go_on();
    if (machine.disk.is_on()) break;
    crash(machine, workload, again);
    check(config, machine, workload);
    ++points;
    if (machine.oracle.problems.empty()) continue;
    std::vector<std::string> problems = machine.oracle.problems;
    problems.push_back("second cut at call " + std::to_string(second) + " of recovery");
    return {problems, machine.disk.struck(), call};
  }
  workload.close();
  return {{}, machine.disk.struck(), call};
}

Outcome fail_at(const Config& config, std::uint64_t call, sim::Fault fault, sim::Repeat repeat) {
  Machine machine(config.disk, config.planted);
  Workload workload(machine, config.rounds);
  machine.disk.fail_at(call, fault, repeat);
  run_into_failure(config, call, machine, workload, [] {});
  return {machine.oracle.problems, machine.disk.struck(), machine.disk.struck_call()};
}

std::uint64_t requests_of(const Config& config) {
  sim::Allocator memory;
  const sim::SqliteMemory installed(memory);
  Machine machine(config.disk, config.planted);
  const std::uint64_t before = memory.requests();
  Workload(machine, config.rounds).run();
  return memory.requests() - before;
}

Outcome starve_at(const Config& config, std::uint64_t request, sim::Repeat repeat) {
  sim::Allocator memory;
  const sim::SqliteMemory installed(memory);
  Machine machine(config.disk, config.planted);
  Workload workload(machine, config.rounds);
  workload.has_failed = [&memory] { return memory.failures() > 0; };
  memory.fail_at(memory.requests() + request, repeat);
  run_into_failure(config, request, machine, workload, [&memory] { memory.clear_faults(); });
  if (memory.failures() == 0) return {};
  return {machine.oracle.problems, "request " + std::to_string(request), request};
}

std::uint64_t campaign_stride(std::uint64_t wanted) {
#ifdef EDGEPOST_SIM_STRIDE
  constexpr std::uint64_t kBuilt = EDGEPOST_SIM_STRIDE;
#else
  constexpr std::uint64_t kBuilt = 1;
#endif
  const std::string told = environment("EDGEPOST_SIM_STRIDE");
  return told.empty() ? wanted * kBuilt : std::max<std::uint64_t>(1, std::stoull(told));
}

Campaign::Campaign(std::string name) : name_(std::move(name)) {}

Campaign::~Campaign() {
  MESSAGE(name_ << ": " << points_ << " points of " << calls_ << " calls, " << failures_
                << " with problems");
}

void Campaign::run(std::uint64_t calls, std::uint64_t first, std::uint64_t stride,
                   const std::function<Outcome(std::uint64_t)>& point) {
  calls_ += calls;
  const std::string replay = environment("EDGEPOST_REPLAY");
  if (!replay.empty()) {
    const std::size_t colon = replay.find(':');
    if (replay.substr(0, colon) != name_) return;
    const std::uint64_t call = std::stoull(replay.substr(colon + 1));
    ++points_;
    return report(call, point(call));
  }
  std::uint64_t call = first % stride;
  while (call < calls) {
    const Outcome outcome = point(call);
    if (outcome.struck.empty()) return;  // no call is left that the fault applies to
    ++points_;
    report(call, outcome);
    call = std::max(call, outcome.struck_call) + stride;
  }
}

void Campaign::report(std::uint64_t call, const Outcome& outcome) {
  if (outcome.problems.empty()) return;
  if (++failures_ > kShownFailures) return;
  std::string text =
      "EDGEPOST_REPLAY=" + name_ + ":" + std::to_string(call) + " struck at: " + outcome.struck;
  for (const std::string& problem : outcome.problems)
    text += "\n  " + problem;
  FAIL_CHECK(text);
}

}  // namespace edgepost::test
