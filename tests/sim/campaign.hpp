#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "edgepost/sim/disk.hpp"
#include "edgepost/sim/fault.hpp"
#include "sim/machine.hpp"

namespace edgepost::test {

/// One way in which a disk fails, tried at call after call of the workload.
struct Config {
  std::string name;  ///< For replay.
  sim::DiskOptions disk;
  sim::CutPolicy policy = sim::CutPolicy::random;
  std::uint64_t seed = 1;
  Planted planted;  ///< Bugs.
  int rounds = 10;  ///< Of the workload.
};

/// What one point of a campaign found.
struct Outcome {
  std::vector<std::string> problems;
  std::string struck;             ///< What the fault hit first; empty: nothing.
  std::uint64_t struck_call = 0;  ///< Which call that was.
};

/// How many calls the workload makes on a disk that works.
std::uint64_t calls_of(const Config& config);

/// Cuts the power at call `call`, opens again, checks, goes on, cuts once more and checks.
Outcome cut_at(const Config& config, std::uint64_t call);

/// Cuts the power at call `call`, and again at each call of opening and checking what that left,
/// every `stride`-th; adds to `points` how many that were.
Outcome cut_twice_at(const Config& config, std::uint64_t call, std::uint64_t stride,
                     std::uint64_t& points);

/// Lets call `call` fail, once or for ever. Then, alternately, the power is cut some steps later,
/// or the workload goes on to its end, the fault ends and the gateway is opened again.
Outcome fail_at(const Config& config, std::uint64_t call, sim::Fault fault, sim::Repeat repeat);

/// How many requests for memory SQLite makes in the workload.
std::uint64_t requests_of(const Config& config);

/// Lets request `request` of SQLite for memory fail, once or for ever; then as fail_at().
Outcome starve_at(const Config& config, std::uint64_t request, sim::Repeat repeat);

/// Every how many points a campaign runs that wants every `wanted`-th: so many times what the build
/// says for machines that are slow. EDGEPOST_SIM_STRIDE of the environment overrules all: 1 is
/// every point there is.
std::uint64_t campaign_stride(std::uint64_t wanted = 1);

/// A campaign's points, counted, and what was found at them, as a test reports it. With
/// EDGEPOST_REPLAY=<campaign>:<call> in the environment only that one point runs.
class Campaign {
 public:
  explicit Campaign(std::string name);
  ~Campaign();
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;

  /// Runs `point` for every `stride`-th call of `calls`, beginning at `first`. Calls before the one
  /// that a point struck are done with it: they would strike the same.
  void run(std::uint64_t calls, std::uint64_t first, std::uint64_t stride,
           const std::function<Outcome(std::uint64_t)>& point);

  /// Counts points that a point ran by itself.
  void add_points(std::uint64_t points) { points_ += points; }

 private:
  void report(std::uint64_t call, const Outcome& outcome);

  const std::string name_;
  std::uint64_t points_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace edgepost::test
