// For tests: a provider and a network that do what they are told, so that a whole control room runs
// on a clock that the test moves.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/executor.h"
#include "control/providers/provider.h"
#include "net/transport.h"

namespace sarai::control {

// The simulated side of InstanceProvider: processes are entries in a table.
class SimulatedProvider final : public InstanceProvider {
 public:
  void Start(InstanceLaunch launch) override {
    started.push_back(launch.id);
    processes.insert_or_assign(launch.id, std::move(launch));
  }
  void Stop(std::string_view id) override { stopping.insert(std::string(id)); }
  void Kill(std::string_view id) override { killed.insert(std::string(id)); }
  void Forget(std::string_view id) override { forgotten.insert(std::string(id)); }
  void ForgetAllBut(const std::set<std::string>&) override {}
  std::string LogOf(std::string_view id) const override { return "logs/" + std::string(id); }
  void Shutdown() override {}

  std::map<std::string, InstanceLaunch> processes;  // that have not ended
  std::vector<std::string> started;                 // in order, again and again
  std::set<std::string> stopping, killed, forgotten;
};

// Answers GETs at once from a table; what is not in it is refused.
class SimulatedNetwork final : public net::Transport {
 public:
  void Send(std::string address, http::Request request, net::SendOptions,
            net::SendCallback done) override {
    const auto it = answers.find(address + request.target);
    if (it == answers.end()) {
      done(std::unexpected(net::SendError{Status(Code::kUnavailable, "refused")}));
      return;
    }
    http::Response response{.status = it->second.status};
    response.body.push_back(Blob::FromString(it->second.body));
    if (!it->second.code.empty()) response.headers.Add("x-sarai-error", it->second.code);
    done(std::move(response));
  }

  struct Answer {
    int status = 200;
    std::string body;
    std::string code;  // of an error
  };
  std::map<std::string, Answer> answers;  // by address and target
};

}  // namespace sarai::control
