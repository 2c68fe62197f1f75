#pragma once

#include <span>
#include <string_view>

#include "cli/options.hpp"

namespace edgepost::cli {

/// One word behind `edgepost`.
struct Command {
  std::string_view name;            ///< The word.
  std::string_view summary;         ///< One line, for the list of commands.
  std::string_view details;         ///< What a user must know, for its help.
  std::span<const Option> options;  ///< Its table.
  int (*run)(const Options&);       ///< Does it; returns the exit code.
};

extern const Command kExport;
extern const Command kImport;
extern const Command kPublish;
extern const Command kShrink;
extern const Command kRun;
extern const Command kSync;
extern const Command kStatus;
extern const Command kTail;
extern const Command kDead;
extern const Command kVerify;

/// The row that every command's table begins with.
inline constexpr Option kDatabase{.name = "db",
                                  .takes = Takes::text,
                                  .value = "FILE",
                                  .help = "The gateway's database",
                                  .is_required = true,
                                  .environment = "EDGEPOST_DB"};

}  // namespace edgepost::cli
