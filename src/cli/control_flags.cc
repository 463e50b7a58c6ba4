#include "cli/control_flags.h"

#include <chrono>

#include <CLI/CLI.hpp>

namespace sarai::cli {

void AddControlFlags(CLI::App& app, ControlFlags& flags, instance::InstanceOptions& options) {
  app.add_option("--model-control-mode", flags.mode,
                 "on-demand: a request loads its model; none: all at the start; explicit: by "
                 "--load-model and the repository API; poll: all, following the repositories")
      ->check(CLI::IsMember({"on-demand", "none", "explicit", "poll"}))
      ->type_name("MODE")
      ->capture_default_str();
  app.add_option("--load-model", options.load_at_start,
                 "Load this model at the start; may be given several times; '*': all")
      ->allow_extra_args(false)
      ->type_name("NAME");
  app.add_option("--repository-poll-secs", flags.poll_secs,
                 "Between looks at the repositories, with --model-control-mode=poll")
      ->check(CLI::Range(1, 365 * 24 * 3600))
      ->capture_default_str();
  app.add_option("--exit-on-error", flags.exit_on_error,
                 "End when a model that is loaded at the start does not load")
      ->capture_default_str();
  app.add_option("--strict-readiness", options.strict_readiness,
                 "Not ready while a model that is meant to be loaded failed to load")
      ->capture_default_str();
  app.add_option("--model-load-retry-count", options.load_retries,
                 "Tries at once after a load that failed")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

Status ApplyControlFlags(const ControlFlags& flags, instance::InstanceOptions& options) {
  SARAI_TRY(options.control_mode, policy::ParseControlMode(flags.mode));
  options.repository_poll_interval = std::chrono::seconds(flags.poll_secs);
  using enum policy::ControlMode;
  if (!options.load_at_start.empty() &&
      (options.control_mode == kNone || options.control_mode == kPoll))
    return MakeStatus(Code::kInvalidArgument,
                      "--load-model is of no use with --model-control-mode={}, which loads all "
                      "models: use explicit or on-demand",
                      flags.mode);
  return {};
}

}  // namespace sarai::cli
