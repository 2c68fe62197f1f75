// A damaged database is salvaged while the power is cut or the disk fails, at call after call.
// EDGEPOST_SIM_STRIDE=1 tries every call.
#include <doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "sim/campaign.hpp"
#include "sim/patient.hpp"

using namespace edgepost;
using sim::CutPolicy;
using sim::Fault;
using sim::Repeat;
using test::Campaign;
using test::Outcome;
using test::Patient;

namespace {

// A damaged database, and what a salvage makes of it that nothing disturbs.
class Emergency {
 public:
  Emergency(Patient& patient, const sim::DiskImage& whole, const test::Wound& wound)
      : patient_(patient), image_(Patient::wounded(whole, wound)) {
    sim::Disk disk;
    insert(disk);
    DamageReport damage;
    {
      const auto opened = Gateway::open(patient_.options);
      REQUIRE(opened.is_ok());
      calls_ = disk.calls();
      damage = (*opened)->status().damage.value_or(DamageReport());
    }
    CHECK(damage.events_salvaged > 0);
    REQUIRE_FALSE(damage.set_aside.empty());
    evidence_ = disk.image()[damage.set_aside];
    std::vector<std::string> problems;
    contents_ = patient_.contents(problems);
    CHECK(problems == std::vector<std::string>{});
  }

  [[nodiscard]] std::uint64_t calls() const { return calls_; }

  // Opens it on a disk that fails as `plan` says, and again when the disk works.
  Outcome on(const std::function<void(sim::Disk& disk)>& plan) {
    sim::Disk disk;
    insert(disk);
    plan(disk);
    Outcome outcome;
    {
      const auto opened = Gateway::open(patient_.options);
      const std::string why = opened ? "" : opened.status().message();
      const bool is_clear = why.find(Patient::kDatabase) != std::string::npos ||
                            why.find("owner file") != std::string::npos;
      if (!opened && !is_clear) outcome.problems.push_back("says only: " + why);
    }
    outcome.struck = disk.struck();
    outcome.struck_call = disk.struck_call();
    disk.clear_faults();
    if (!disk.is_on()) disk.power_on();
    check(disk, outcome.problems);
    return outcome;
  }

 private:
  // One for each attempt: a disk tells what struck it first.
  void insert(sim::Disk& disk) {
    disk.restore(image_);
    patient_.options.platform.vfs = disk.name();
  }

  void check(const sim::Disk& disk, std::vector<std::string>& problems) {
    if (const auto opened = Gateway::open(patient_.options); !opened) {
      problems.push_back("does not open: " + opened.status().message());
    }
    if (patient_.contents(problems) != contents_) problems.emplace_back("not the same contents");
    // A log that could not be carried over before stands beside its database.
    bool is_evidence_there = false;
    const sim::DiskImage image = disk.image();
    for (const auto& [name, content] : image) {
      if (name.find("-salvage") != std::string::npos) problems.push_back(name + " is left behind");
      if (name.find("-damaged-") == std::string::npos) continue;
      if (content == evidence_ || image.contains(name + "-wal")) is_evidence_there = true;
    }
    if (!is_evidence_there) problems.emplace_back("there is no evidence");
  }

  Patient& patient_;
  const sim::DiskImage image_;
  std::uint64_t calls_ = 0;
  std::string evidence_;
  std::string contents_;
};

// Of a closed gateway the header has rotted, of one whose process died some pages.
void run(const std::string& name, std::uint64_t first, std::uint64_t stride,
         const std::function<void(sim::Disk& disk, std::uint64_t call)>& plan) {
  Patient patient;
  const auto run_one = [&](const std::string& suffix, const sim::DiskImage& whole,
                           const test::Wound& wound) {
    Emergency emergency(patient, whole, wound);
    Campaign campaign(name + suffix);
    campaign.run(emergency.calls(), first, test::campaign_stride(stride), [&](std::uint64_t point) {
      return emergency.on([&](sim::Disk& disk) { plan(disk, point); });
    });
  };
  run_one("-header", patient.closed(), {Patient::kDatabase, 0, 20, 1});
  run_one("-pages", patient.killed(), {Patient::kDatabase, std::size_t{9} * 4096, 3 * 4096, 1});
}

}  // namespace

TEST_CASE("salvage: a power cut at any of its calls costs nothing that it saves [P-06]") {
  std::uint64_t seed = 0;
  for (const CutPolicy policy : {CutPolicy::random, CutPolicy::drop_all, CutPolicy::keep_all,
                                 CutPolicy::torn, CutPolicy::garbage}) {
    seed += 7;
    run(std::string("salvage-cut-") + sim::to_string(policy), seed, seed == 7 ? 11 : 41,
        [&](sim::Disk& disk, std::uint64_t call) {
          disk.cut_power_at(call, {policy, seed + call});
        });
  }
}

TEST_CASE("salvage: a call that fails costs nothing that it saves [P-06]") {
  run("salvage-io_error-once", 0, 7, [](sim::Disk& disk, std::uint64_t call) {
    disk.fail_at(call, Fault::io_error, Repeat::once);
  });
  run("salvage-io_error-forever", 1, 41, [](sim::Disk& disk, std::uint64_t call) {
    disk.fail_at(call, Fault::io_error, Repeat::forever);
  });
  run("salvage-full-once", 2, 23,
      [](sim::Disk& disk, std::uint64_t call) { disk.fail_at(call, Fault::full, Repeat::once); });
}
