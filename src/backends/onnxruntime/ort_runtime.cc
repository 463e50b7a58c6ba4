#include "backends/onnxruntime/ort_runtime.h"

#include <dlfcn.h>

#include <new>
#include <utility>

#include "backends/common/counted_memory.h"
#include "backends/common/parameters.h"
#include "backends/onnxruntime/ort_memory.h"
#include "base/log.h"

namespace sarai::backends::ort {
namespace {

constexpr char kLibraryBesideBackend[] = "/../runtimes/onnxruntime/libonnxruntime.so";

// Throws, as ORT's own allocator does: its callers do not check for null.
void* ORT_API_CALL Allocate(OrtAllocator*, size_t bytes) {
  void* block = CountedAllocate(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void ORT_API_CALL Free(OrtAllocator*, void* block) { CountedFree(block); }

// The folder that this shared object was loaded from.
std::string OwnFolder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&OwnFolder), &info) == 0) return ".";
  const std::string path = info.dli_fname;
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

struct Library {
  const OrtApiBase* base = nullptr;
  bool counts_weights = false;
};

Result<Library> OpenLibrary(const BackendOptions& options) {
  const auto setting = options.settings.find("library");
  const std::string path =
      setting == options.settings.end() ? OwnFolder() + kLibraryBesideBackend : setting->second;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it by thread
    return Error(Code::kFailedPrecondition,
                 "cannot load ONNX Runtime: {}; the backend setting 'library' names another file",
                 why == nullptr ? path : why);
  }
  using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
  const auto get_base = reinterpret_cast<GetApiBase>(dlsym(library, "OrtGetApiBase"));
  if (get_base == nullptr)
    return Error(Code::kFailedPrecondition, "'{}' is no ONNX Runtime: it lacks OrtGetApiBase",
                 path);
  return Library{get_base(), CountLibraryMemory(library)};
}

LogLevel ToLogLevel(OrtLoggingLevel severity) {
  switch (severity) {
    case ORT_LOGGING_LEVEL_VERBOSE: return LogLevel::kDebug;
    case ORT_LOGGING_LEVEL_INFO: return LogLevel::kInfo;
    case ORT_LOGGING_LEVEL_WARNING: return LogLevel::kWarning;
    default: return LogLevel::kError;
  }
}

void ORT_API_CALL LogMessage(void*, OrtLoggingLevel severity, const char* category, const char*,
                             const char*, const char* message) {
  Log(ToLogLevel(severity), "onnxruntime", "{}: {}", category, message);
}

}  // namespace

OrtRuntime::OrtRuntime(const OrtApi* api, std::string version, bool counts_weights)
    : api_(api),
      version_(std::move(version)),
      counts_weights_(counts_weights),
      memory_info_(nullptr, api->ReleaseMemoryInfo),
      env_(nullptr, api->ReleaseEnv) {}

OrtRuntime::~OrtRuntime() {
  if (env_ == nullptr || allocator_.info == nullptr) return;
  // ORT keeps a pointer to the allocator in its environment, which others may share.
  const Status unregistered =
      ToStatus(*api_, api_->UnregisterAllocator(env_.get(), memory_info_.get()), During::kStart);
  if (!unregistered.ok()) LogWarning("backends", "{}", unregistered.message());
}

Result<std::shared_ptr<OrtRuntime>> OrtRuntime::Open(const BackendOptions& options) {
  SARAI_TRY(const Library library, OpenLibrary(options));
  const OrtApiBase* base = library.base;
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr)
    return Error(Code::kFailedPrecondition,
                 "ONNX Runtime {} is too old: Sarai was built for API version {} (1.{})",
                 base->GetVersionString(), ORT_API_VERSION, ORT_API_VERSION);
  std::shared_ptr<OrtRuntime> runtime(
      new OrtRuntime(api, base->GetVersionString(), library.counts_weights));
  if (!library.counts_weights)
    LogWarning("backends",
               "this build of ONNX Runtime hides its weights from memory accounting: models count "
               "with the size of their file");
  SARAI_CHECK_OK(runtime->Start(options));
  return runtime;
}

Status OrtRuntime::Start(const BackendOptions& options) {
  SARAI_TRY(const auto allows, FlagParameter(options.settings, "allow_operation_libraries"));
  allows_operation_libraries_ = allows.value_or(false);
  OrtMemoryInfo* info = nullptr;
  SARAI_CHECK_OK(ToStatus(*api_,
                          api_->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &info),
                          During::kStart));
  memory_info_.reset(info);
  SARAI_CHECK_OK(MakeEnvironment(options));
  return RegisterAllocator();
}

Status OrtRuntime::MakeEnvironment(const BackendOptions& options) {
  const auto spinning = FlagParameter(options.settings, "allow_spinning");
  if (!spinning) return spinning.error();
  const auto severity = IntParameter(options.settings, "log_severity", 0, 4);
  if (!severity) return severity.error();
  const auto ok = [this](OrtStatus* status) { return ToStatus(*api_, status, During::kStart); };

  OrtThreadingOptions* made = nullptr;
  SARAI_CHECK_OK(ok(api_->CreateThreadingOptions(&made)));
  const auto threading = Own(made, api_->ReleaseThreadingOptions);
  SARAI_CHECK_OK(ok(api_->SetGlobalIntraOpNumThreads(made, options.intra_op_threads)));
  SARAI_CHECK_OK(ok(api_->SetGlobalInterOpNumThreads(made, 1)));
  SARAI_CHECK_OK(ok(api_->SetGlobalSpinControl(made, spinning->value_or(false) ? 1 : 0)));

  OrtEnv* env = nullptr;
  const auto level = static_cast<OrtLoggingLevel>(severity->value_or(ORT_LOGGING_LEVEL_FATAL));
  SARAI_CHECK_OK(ok(api_->CreateEnvWithCustomLoggerAndGlobalThreadPools(LogMessage, nullptr, level,
                                                                        "sarai", made, &env)));
  env_.reset(env);
  return ok(api_->DisableTelemetryEvents(env));
}

Status OrtRuntime::RegisterAllocator() {
  allocator_.version = ORT_API_VERSION;
  allocator_.Alloc = Allocate;
  allocator_.Free = Free;
  allocator_.Reserve = Allocate;
  allocator_.Info = [](const OrtAllocator* self) {
    return static_cast<const Allocator*>(self)->info;
  };
  allocator_.info = memory_info_.get();
  return ToStatus(*api_, api_->RegisterAllocator(env_.get(), &allocator_), During::kStart);
}

}  // namespace sarai::backends::ort
