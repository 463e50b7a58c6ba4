#include "instance/testing/test_instance.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include "engine/testing/test_values.h"
#include "wire/http/uri.h"

namespace sarai::instance {
namespace fs = std::filesystem;
namespace {

constexpr char kConfig[] = R"(
backend: "fake"
default_model_filename: "model.txt"
max_batch_size: 0
input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]
)";

engine::FakeBackend::Outputs AnswerFromFile(const ModelSpec& spec, const std::vector<Tensor>&) {
  std::ifstream file(spec.artifact);
  float y = -1;
  file >> y;
  return std::vector<Tensor>{engine::Floats("y", {1}, {y})};
}

void WriteFile(const std::string& path, std::string_view text) {
  fs::create_directories(fs::path(path).parent_path());
  const std::string scratch = path + ".new";
  std::ofstream(scratch) << text;
  fs::rename(scratch, path);
}

void WriteModel(const std::string& folder, double y) {
  WriteFile(folder + "/config.pbtxt", kConfig);
  WriteFile(folder + "/1/model.txt", fmt::format("{}", y));
}

}  // namespace

boost::json::value Reply::json() const {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  return error ? boost::json::value() : value;
}

std::string Reply::error() const {
  const boost::json::value value = json();
  if (!value.is_object() || !value.as_object().contains("error")) return "";
  return std::string(value.as_object().at("error").as_string());
}

double Reply::y() const {
  const boost::json::value value = json();
  if (!value.is_object() || !value.as_object().contains("outputs")) return -1;
  return value.as_object().at("outputs").as_array().at(0).at("data").at(0).to_number<double>();
}

TestInstance::TestInstance() {
  for (const char* folder : {"source", "repository", "local", "state"})
    fs::create_directories(root.path(folder));
  options.source_url = "file://" + root.path("source") + "/";
  options.model_repositories = {root.path("repository")};
  options.state_directory = root.path("state");
  options.instance_id = "test-1";
  options.lanes = 2;
  options.loader_threads = 2;
  options.churn_guard = Duration::zero();
  options.feed_interval = Duration::zero();
  options.revalidate_interval = std::chrono::hours(1);
  options.failure_memo = Duration::zero();
}

TestInstance::~TestInstance() { Close(); }

void TestInstance::Open(std::shared_ptr<store::ObjectStore> store) {
  Close();
  auto opened = Core::Open(options, clock, std::move(store));
  ASSERT_TRUE(opened) << opened.error().message();
  core = std::move(*opened);
  auto fake = std::make_unique<engine::FakeBackend>();
  backend = fake.get();
  backend->SetExecute(AnswerFromFile);
  core->registry().Add("fake", std::move(fake));
}

void TestInstance::Close() { core.reset(); }

std::future<Reply> TestInstance::Begin(const std::string& method, const std::string& target,
                                       std::string body, const HeaderList& headers) {
  http::Request request{
      .method = method, .target = target, .body = Blob::FromString(std::move(body))};
  for (const auto& [name, value] : headers) request.headers.Add(name, value);
  std::promise<Reply> promise;
  std::future<Reply> future = promise.get_future();
  core->Handle(std::move(request), [promise = std::move(promise)](http::Response answer) mutable {
    Reply reply{.status = answer.status, .headers = std::move(answer.headers)};
    for (const Blob& part : answer.body) reply.body += part.text();
    reply.stream = std::move(answer.stream);
    promise.set_value(std::move(reply));
  });
  return future;
}

Reply TestInstance::Call(const std::string& method, const std::string& target, std::string body,
                         const HeaderList& headers) {
  return Begin(method, target, std::move(body), headers).get();
}

std::future<Reply> TestInstance::BeginInvoke(const std::string& model) {
  return Begin("POST", "/models/any/invoke", RequestBody(),
               {{"X-Amzn-SageMaker-Target-Model", model}});
}

Reply TestInstance::Invoke(const std::string& model) { return BeginInvoke(model).get(); }

boost::json::object TestInstance::Status() {
  return Call("GET", "/sarai/v1/status").json().as_object();
}

int64_t TestInstance::StatusNumber(std::string_view member) {
  return Status().at(member).to_number<int64_t>();
}

std::string TestInstance::StateOf(const std::string& model) {
  const auto feed = Call("GET", "/sarai/v1/residency").json();
  for (const auto& row : feed.at("models").as_array())
    if (row.at("model").as_string() == model) return std::string(row.at("state").as_string());
  return "absent";
}

int TestInstance::CountDecisions(const std::string& model, std::string_view kind) {
  const auto log = Call("GET", "/sarai/v1/decisions?model=" + http::PercentEncode(model)).json();
  int count = 0;
  for (const auto& decision : log.at("decisions").as_array())
    if (decision.at("kind").as_string() == kind) ++count;
  return count;
}

void TestInstance::PutArchive(const std::string& key, double y) {
  store::TestTar tar;
  tar.Folder("m/")
      .File("m/config.pbtxt", kConfig)
      .Folder("m/1/")
      .File("m/1/model.txt", fmt::format("{}", y));
  PutBytes(key, store::Gzip(tar.Finish()));
}

void TestInstance::PutBytes(const std::string& key, std::string_view bytes) {
  WriteFile(root.path("source/" + key), bytes);
}

void TestInstance::DeleteKey(const std::string& key) { fs::remove(root.path("source/" + key)); }

void TestInstance::PutRepositoryModel(const std::string& name, double y) {
  WriteModel(root.path("repository/" + name), y);
}

std::string TestInstance::PutLocalModel(const std::string& name, double y) {
  WriteModel(root.path("local/" + name + "/m"), y);
  return root.path("local/" + name);
}

std::string TestInstance::RequestBody() {
  return R"({"id":"r1","inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[0.5]}]})";
}

std::string ReadAll(ByteStream& stream) {
  std::string all;
  while (true) {
    std::promise<void> more;
    const ByteStream::Chunk chunk = stream.Read([&more] { more.set_value(); });
    all += chunk.part.text();
    if (chunk.ended) return all;
    if (chunk.part.empty()) more.get_future().wait();
  }
}

bool Eventually(const std::function<bool()>& holds) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace sarai::instance
