// An instance for tests: folders, archives, a scripted backend and the real core, called as a
// function. Models answer y = the number in their file.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "base/clock.h"
#include "engine/testing/fake_backend.h"
#include "instance/core.h"
#include "store/test_archive.h"

namespace sarai::instance {

struct Reply {
  int status = 0;
  http::Headers headers;
  std::string body;
  ByteStreamPtr stream;  // what is still being made; see ReadAll

  boost::json::value json() const;
  std::string error() const;  // of {"error":…}; empty when there is none
  double y() const;           // the one output's one number; -1 when there is none
  std::string header(std::string_view name) const { return std::string(headers.Get(name)); }
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

class TestInstance {
 public:
  TestInstance();  // options are set, nothing is open
  ~TestInstance();

  // Opens (again) with `options`; `store` replaces the file store.
  void Open(std::shared_ptr<store::ObjectStore> store = nullptr);
  void Close();

  std::future<Reply> Begin(const std::string& method, const std::string& target,
                           std::string body = "", const HeaderList& headers = {});
  Reply Call(const std::string& method, const std::string& target, std::string body = "",
             const HeaderList& headers = {});
  // POST /models/any/invoke for that TargetModel.
  std::future<Reply> BeginInvoke(const std::string& model);
  Reply Invoke(const std::string& model);
  // Answers of the admin API.
  boost::json::object Status();
  int64_t StatusNumber(std::string_view member);
  std::string StateOf(const std::string& model);  // by the residency feed; "absent"
  int CountDecisions(const std::string& model, std::string_view kind);

  // <root>/source/KEY: a tar.gz with folder "m" in it.
  void PutArchive(const std::string& key, double y);
  void PutBytes(const std::string& key, std::string_view bytes);
  void DeleteKey(const std::string& key);
  // <root>/repository/NAME and <root>/local/NAME: a model folder.
  void PutRepositoryModel(const std::string& name, double y);
  std::string PutLocalModel(const std::string& name, double y);

  static std::string RequestBody();  // a KServe v2 request in JSON

  store::TestFolder root;
  RealClock clock;
  InstanceOptions options;
  engine::FakeBackend* backend = nullptr;  // of the open core
  std::unique_ptr<Core> core;
};

// Everything that is written to the stream, up to its end.
std::string ReadAll(ByteStream& stream);

// Looks again and again until it holds; false after a long time.
bool Eventually(const std::function<bool()>& holds);

}  // namespace sarai::instance
