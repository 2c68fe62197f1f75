#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/gateway.hpp"
#include "edgepost/sim/clock.hpp"
#include "edgepost/sim/disk.hpp"
#include "edgepost/sim/random.hpp"

namespace edgepost::test {

/// Damage: other bytes stand in a file.
struct Wound {
  std::string file;
  std::size_t offset = 0;
  std::size_t size = 0;
  std::uint64_t seed = 1;  ///< Of the bits that are inverted; in each byte at least one.
};

/// What was found after damage.
struct Diagnosis {
  std::vector<std::string> problems;  ///< What must not be.
  bool is_open = false;
  int restarts = 0;               ///< That were needed to go on.
  std::vector<std::string> told;  ///< What its damage reports said.
};

/// A gateway with streams, consumers, dead letters, tries, claims and a table of its user's, whose
/// files are damaged while it is closed.
class Patient {
 public:
  static constexpr const char* kDatabase = "/data/gateway.db";
  static constexpr const char* kLog = "/data/gateway.db-wal";

  Patient();

  /// The files as a gateway leaves them that was closed, and one whose process died: this one has a
  /// log, and its file is older.
  [[nodiscard]] const sim::DiskImage& closed() const { return closed_; }
  [[nodiscard]] const sim::DiskImage& killed() const { return killed_; }

  static sim::DiskImage wounded(sim::DiskImage image, const Wound& wound);

  /// Opens what `image` holds and uses it: reads and drains all streams, verifies, and repairs if
  /// that finds something. `wound` is what may be missing.
  Diagnosis examine(const sim::DiskImage& image, const Wound& wound);

  /// What stands in all streams, as text; and what is wrong with it. The gateway is closed again.
  std::string contents(std::vector<std::string>& problems);

  sim::Disk disk;
  GatewayOptions options;

 private:
  struct Known {
    Event event;
    std::string stream;
    std::size_t log_end = 0;  // when it was stored; 0: before there was this log
  };
  void populate();
  void publish(const std::string& stream, std::size_t bytes);
  void answer(const char* consumer, int acknowledged, int rejected, int tried);
  [[nodiscard]] bool may_be_missing(const Known& known, const sim::DiskImage& before,
                                    const Wound& wound) const;
  bool open(Diagnosis& found);
  void use(Diagnosis& found, std::set<EventId>& left);
  bool read_stream(const std::string& stream, std::set<EventId>& found,
                   std::vector<std::string>& problems);
  std::set<EventId> read_all(std::vector<std::string>& problems);
  bool drain(const std::string& stream, const std::string& name,
             std::vector<std::string>& problems);
  void check(const Event& event, std::vector<std::string>& problems) const;
  void check_books(std::vector<std::string>& problems);
  void note_damage(Diagnosis& found);

  sim::VirtualClock clock_;
  sim::SeededRandom random_;
  std::unique_ptr<Gateway> gateway_;
  std::map<EventId, Known> known_;
  sim::DiskImage closed_;
  sim::DiskImage killed_;
  std::set<EventId> there_;  // in both images
  int serial_ = 0;
};

}  // namespace edgepost::test
