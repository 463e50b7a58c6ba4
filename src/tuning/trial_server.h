// The server that is measured: an instance in this process over the model's repository, which loads
// the model with one configuration after the other. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "instance/options.h"
#include "model_config.pb.h"
#include "net/event_loops.h"
#include "net/transport.h"

namespace sarai::instance {
class Instance;
}

namespace sarai::tuning {

class TrialServer {
 public:
  // `options` say where backends and hosts are; the repository and the model's control are set
  // here.
  static Result<std::unique_ptr<TrialServer>> Start(instance::InstanceOptions options,
                                                    const std::string& repository,
                                                    const Clock& clock);
  ~TrialServer();

  std::string address() const;

  // Instead of what is loaded of it; null = the configuration that lies in the repository. What the
  // server made of it. Errors: the load's.
  Result<inference::ModelConfig> Load(const std::string& model,
                                      const inference::ModelConfig* config);
  Result<uint64_t> MemoryBytes(const std::string& model);

 private:
  explicit TrialServer(std::unique_ptr<instance::Instance> instance);
  Result<std::string> Ask(const char* method, std::string path, std::string body);

  const std::unique_ptr<instance::Instance> instance_;
  net::EventLoops loops_{1};
  const std::unique_ptr<net::Transport> transport_;
};

}  // namespace sarai::tuning
