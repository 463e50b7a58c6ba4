#include "backends/tensorflow/tf_api.h"

#include <dlfcn.h>

#include <string>

namespace sarai::backends::tensorflow {
namespace {

constexpr char kLibraryBesideBackend[] = "/../runtimes/tensorflow/libtensorflow_cc.so.2";
constexpr size_t kMessageBytesMax = 2048;

// TensorFlow's codes are gRPC's.
constexpr int kTfOk = 0;
constexpr int kTfResourceExhausted = 8;
constexpr int kTfUnimplemented = 12;

// The folder that this shared object was loaded from.
std::string OwnFolder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&OwnFolder), &info) == 0) return ".";
  const std::string path = info.dli_fname;
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string DlError() {
  const char* text = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it by thread
  return text == nullptr ? "unknown reason" : text;
}

}  // namespace

Result<std::shared_ptr<const TfApi>> TfApi::Open(const BackendOptions& options) {
  const auto setting = options.settings.find("library");
  const std::string path =
      setting == options.settings.end() ? OwnFolder() + kLibraryBesideBackend : setting->second;
  // It brings a protobuf of its own, which must not be mixed up with the one of this program.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (library == nullptr)
    return Error(Code::kFailedPrecondition,
                 "cannot load TensorFlow: {}; `./dev setup --backend tensorflow` installs it, or "
                 "the backend setting 'library' names another libtensorflow_cc.so.2",
                 DlError());
  auto api = std::make_shared<TfApi>();
#define SARAI_TF_FIND(Return, name, arguments)                              \
  api->name = reinterpret_cast<Return(*) arguments>(dlsym(library, #name)); \
  if (api->name == nullptr)                                                 \
    return Error(Code::kFailedPrecondition, "'{}' is no TensorFlow 2: it lacks {}", path, #name);
  SARAI_TF_FUNCTIONS(SARAI_TF_FIND)
#undef SARAI_TF_FIND
  const std::string version = api->TF_Version();
  if (!version.starts_with("2."))
    return Error(Code::kFailedPrecondition, "'{}' is TensorFlow {}; a version 2 is needed", path,
                 version);
  return api;
}

Status TfStatus::ToStatus(Code otherwise) const {
  const int code = api_.TF_GetCode(status_);
  if (code == kTfOk) return {};
  const std::string message = std::string(api_.TF_Message(status_)).substr(0, kMessageBytesMax);
  if (code == kTfResourceExhausted) otherwise = Code::kResourceExhausted;
  if (code == kTfUnimplemented) otherwise = Code::kUnimplemented;
  return MakeStatus(otherwise, "TensorFlow: {}", message);
}

}  // namespace sarai::backends::tensorflow
