#include "engine/backend_registry.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>

#include "backends/host/host_backend.h"
#include "backends/load_library.h"
#include "base/log.h"
#include "base/strings.h"
#include "engine/model_directory.h"

namespace sarai::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLibraryPrefix = "libsarai_";
constexpr std::string_view kLibrarySuffix = ".so";

// The name comes from a model's configuration and becomes part of a path.
bool IsPlainName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::vector<std::string> AvailableBackends(const std::string& directory) {
  std::vector<std::string> names;
  for (const std::string& file : NamesIn(directory)) {
    std::string_view name = file;
    if (!name.starts_with(kLibraryPrefix) || !name.ends_with(kLibrarySuffix)) continue;
    name.remove_prefix(kLibraryPrefix.size());
    name.remove_suffix(kLibrarySuffix.size());
    names.emplace_back(name);
  }
  return names;
}

Status NoSuchBackend(const std::string& name, const std::string& directory) {
  const std::vector<std::string> available = AvailableBackends(directory);
  return MakeStatus(Code::kNotFound, "no backend '{}' in '{}'; there is: {}", name, directory,
                    available.empty() ? "none" : Join(available, ", "));
}

}  // namespace

struct BackendRegistry::Impl {
  using LostCallback = std::function<void(const std::string& backend, Status why)>;
  struct Entry {
    bool opening = false;
    std::unique_ptr<backends::Backend> backend;  // null until it has been opened
  };

  explicit Impl(RegistryOptions registry_options) : options(std::move(registry_options)) {}

  std::string LibraryOf(const std::string& name) const;
  Status CheckKnown(const std::string& name) const;
  backends::BackendOptions OptionsOf(const std::string& name) const;
  bool IsIsolated(const std::string& name) const { return !options.in_process.contains(name); }
  Result<std::unique_ptr<backends::Backend>> Open(const std::string& name) const;
  void TellLost(const std::string& name, const Status& why);
  void Listen(const std::string& name, backends::Backend& backend);

  const RegistryOptions options;

  // Guarded by mu.
  mutable std::mutex mu;
  std::condition_variable opened;
  std::map<std::string, Entry> entries;
  std::vector<LostCallback> callbacks;
};

std::string BackendRegistry::Impl::LibraryOf(const std::string& name) const {
  return fs::path(options.backend_directory) /
         fmt::format("{}{}{}", kLibraryPrefix, name, kLibrarySuffix);
}

Status BackendRegistry::Impl::CheckKnown(const std::string& name) const {
  {
    std::lock_guard lock(mu);
    if (entries.contains(name)) return {};
  }
  std::error_code error;
  if (IsPlainName(name) && fs::is_regular_file(LibraryOf(name), error)) return {};
  return NoSuchBackend(name, options.backend_directory);
}

backends::BackendOptions BackendRegistry::Impl::OptionsOf(const std::string& name) const {
  backends::BackendOptions own = options.backend_options;
  const auto settings = options.backend_settings.find(name);
  if (settings == options.backend_settings.end()) return own;
  for (const auto& [key, value] : settings->second) own.settings[key] = value;
  return own;
}

Result<std::unique_ptr<backends::Backend>> BackendRegistry::Impl::Open(
    const std::string& name) const {
  if (!IsIsolated(name)) return backends::LoadBackendLibrary(LibraryOf(name), OptionsOf(name));
  if (options.host_executable.empty())
    return Error(Code::kFailedPrecondition,
                 "backend '{}' runs in a process of its own, but no executable for it is set",
                 name);
  return std::make_unique<backends::host::HostBackend>(
      backends::host::HostOptions{.backend = name,
                                  .library = LibraryOf(name),
                                  .host_executable = options.host_executable,
                                  .backend_options = OptionsOf(name),
                                  .channels = {.run = std::max(options.host_channels, 1)}});
}

void BackendRegistry::Impl::TellLost(const std::string& name, const Status& why) {
  std::unique_lock lock(mu);
  const std::vector<LostCallback> told = callbacks;
  lock.unlock();
  for (const LostCallback& callback : told) callback(name, why);
}

// `this` outlives its backends, and so their calls.
void BackendRegistry::Impl::Listen(const std::string& name, backends::Backend& backend) {
  backend.OnModelsLost([this, name](const Status& why) { TellLost(name, why); });
}

BackendRegistry::BackendRegistry(RegistryOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

BackendRegistry::~BackendRegistry() {
  // Backends go first, outside the lock that their last calls may ask for.
  std::map<std::string, Impl::Entry> closing;
  std::unique_lock lock(impl_->mu);
  closing.swap(impl_->entries);
  lock.unlock();
}

Result<backends::Backend*> BackendRegistry::Get(const std::string& name) {
  SARAI_CHECK_OK(impl_->CheckKnown(name));  // entries are only made for what exists
  std::unique_lock lock(impl_->mu);
  Impl::Entry& entry = impl_->entries[name];  // references into a map stay
  impl_->opened.wait(lock, [&] { return !entry.opening; });
  if (entry.backend != nullptr) return entry.backend.get();

  entry.opening = true;
  lock.unlock();
  auto backend = impl_->Open(name);
  if (backend) impl_->Listen(name, **backend);
  lock.lock();
  entry.opening = false;
  impl_->opened.notify_all();
  if (!backend) return Error(std::move(backend).error());
  entry.backend = std::move(*backend);
  LogInfo("engine", "opened backend '{}'{}", name,
          impl_->IsIsolated(name) ? ", in a process of its own" : "");
  return entry.backend.get();
}

void BackendRegistry::Add(const std::string& name, std::unique_ptr<backends::Backend> backend) {
  impl_->Listen(name, *backend);
  std::lock_guard lock(impl_->mu);
  impl_->entries[name].backend = std::move(backend);
}

std::vector<backends::Backend*> BackendRegistry::opened() const {
  std::lock_guard lock(impl_->mu);
  std::vector<backends::Backend*> all;
  for (const auto& [name, entry] : impl_->entries)
    if (entry.backend != nullptr) all.push_back(entry.backend.get());
  return all;
}

std::vector<int> BackendRegistry::process_ids() const {
  std::vector<int> ids = {static_cast<int>(getpid())};
  for (const backends::Backend* backend : opened())
    for (const int id : backend->process_ids()) ids.push_back(id);
  return ids;
}

void BackendRegistry::OnModelsLost(
    std::function<void(const std::string& backend, Status why)> callback) {
  std::lock_guard lock(impl_->mu);
  impl_->callbacks.push_back(std::move(callback));
}

}  // namespace sarai::engine
