#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/gateway_status.hpp"
#include "store/books.hpp"
#include "store/connection.hpp"
#include "store/owner.hpp"
#include "store/schema.hpp"

namespace edgepost::store {

/// Carries what can be read of a damaged database over into a new one; see salvage().
class Rebuild {
 public:
  /// Must outlive: all arguments this object. Requires: `to` has the schema and nothing else.
  Rebuild(Connection& from, Connection& to, const Owner& owner, DamageReport& report)
      : from_(from), to_(to), owner_(owner), report_(report) {}

  /// Errors: full; io_error.
  Status run();

 private:
  struct Stream {
    std::uint32_t id;
    std::string name;
  };
  Status carry_identity();
  Status carry_our_tables();
  Status carry_table(const std::string& name);
  Status check_dead_letters();
  Status carry_streams();
  Status carry_segments(const Stream& stream);
  Result<Books> new_books(const Stream& stream, std::uint64_t next);
  Status carry_books(const Stream& stream);
  Status fill_holes(const Stream& stream, std::uint64_t done, std::uint64_t next);
  Status carry_user_objects(const char* type);
  Status insert(Statement& insert, Statement& row, int columns);
  Status insert_segment(const Stream& stream, std::uint64_t last, std::uint64_t count,
                        std::string_view data);
  Status counted(std::size_t bytes);
  void problem(std::string text);

  Connection& from_;
  Connection& to_;
  const Owner& owner_;
  DamageReport& report_;
  std::optional<Stamp> stamp_;
  std::vector<std::uint64_t> lives_;
  std::size_t uncommitted_bytes_ = 0;
};

}  // namespace edgepost::store
