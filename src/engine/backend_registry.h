// Finds and opens backends by name: libsarai_<name>.so in the backend directory, in this process
// or in a backend host (`backends/host`). Opened when first needed, kept for the process's life.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace sarai::engine {

struct RegistryOptions {
  std::string backend_directory;  // holds libsarai_*.so
  std::string host_executable;    // this program; run as `sarai backend-host …`
  // All others run in a backend host.
  std::set<std::string> in_process = {"identity", "iterative_sequence", "onnxruntime", "repeat",
                                      "square"};
  int host_channels = 8;  // calls at once into one host
  backends::BackendOptions backend_options;
  std::map<std::string, std::map<std::string, std::string>> backend_settings;  // by backend name
};

class BackendRegistry {
 public:
  explicit BackendRegistry(RegistryOptions options);
  ~BackendRegistry();

  // Errors: kNotFound names the backend, the folder looked in and what is there.
  Result<backends::Backend*> Get(const std::string& name);
  // For tests: a ready object under a name.
  void Add(const std::string& name, std::unique_ptr<backends::Backend> backend);

  std::vector<backends::Backend*> opened() const;
  // Every process that holds models: this one and the backend hosts.
  std::vector<int> process_ids() const;
  // `callback` for every backend, opened now or later.
  void OnModelsLost(std::function<void(const std::string& backend, Status why)> callback);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::engine
