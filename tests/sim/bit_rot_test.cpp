// Bytes of a database or its log turn into others while the gateway is closed. More wounds:
// EDGEPOST_SIM_STRIDE=1; one of them: EDGEPOST_REPLAY=<campaign>:<number>.
#include <doctest.h>

#include <random>

#include "sim/campaign.hpp"
#include "sim/patient.hpp"

using namespace edgepost;
using test::Campaign;
using test::Diagnosis;
using test::Outcome;
using test::Patient;
using test::Wound;

namespace {

constexpr std::uint64_t kWounds = 1'000;

Wound wound_of(const sim::DiskImage& image, const std::string& file, std::uint64_t number) {
  constexpr std::size_t kSizes[] = {1, 8, 512, 3 * 4096};
  std::mt19937_64 random(number);
  const std::uint64_t place = random() % image.at(file).size();
  return {file, static_cast<std::size_t>(place), kSizes[random() % 4], number};
}

void run(const std::string& name, const sim::DiskImage& image, const std::string& file,
         Patient& patient) {
  std::uint64_t opened = 0;
  std::uint64_t reported = 0;
  std::uint64_t refused = 0;
  int restarts = 0;
  Campaign campaign(name);
  campaign.run(kWounds, 0, test::campaign_stride(5), [&](std::uint64_t number) {
    const Wound wound = wound_of(image, file, number);
    const Diagnosis found = patient.examine(Patient::wounded(image, wound), wound);
    found.is_open ? ++opened : ++refused;
    if (!found.told.empty()) ++reported;
    restarts += found.restarts;
    return Outcome{
        found.problems,
        file + ", " + std::to_string(wound.size) + " bytes at " + std::to_string(wound.offset),
        number};
  });
  MESSAGE(name << ": opened " << opened << ", with damage reported " << reported << ", refused "
               << refused << ", restarted once more " << restarts);
}

}  // namespace

TEST_CASE(
    "bit rot: a closed database opens, lies about nothing and loses only what rotted [P-06]") {
  Patient patient;
  run("rot-closed", patient.closed(), Patient::kDatabase, patient);
}

TEST_CASE("bit rot: so does one whose process died, whether file or log has rotted [P-06]") {
  Patient patient;
  run("rot-killed", patient.killed(), Patient::kDatabase, patient);
  run("rot-log", patient.killed(), Patient::kLog, patient);
}
