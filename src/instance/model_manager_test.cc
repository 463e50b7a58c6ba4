// What becomes of models: loads, evictions, new versions, failures; over the real core, a folder of
// archives and a scripted backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "instance/testing/test_instance.h"
#include "store/open_store.h"

namespace sarai::instance {
namespace {

using testing::HasSubstr;

constexpr uint64_t kModelBytes = 10 << 20;

// Loads wait at it until it opens.
class LoadGate {
 public:
  explicit LoadGate(engine::FakeBackend& backend) {
    backend.OnLoad([future = future_](const ModelSpec&) { future.wait(); });
  }
  ~LoadGate() { Open(); }
  void Open() {
    if (!opened_.exchange(true)) promise_.set_value();
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
  std::atomic<bool> opened_ = false;
};

// The file store, which can be cut off.
class CutOffStore final : public store::ObjectStore {
 public:
  explicit CutOffStore(const std::string& url) {
    static const RealClock clock;
    inner_ = *store::OpenObjectStore(*store::ParseLocation(url), {}, {}, clock);
  }
  Result<store::ObjectInfo> Head(const std::string& key) override {
    ++heads;
    if (down) return Error(Code::kUnavailable, "the store cannot be reached");
    return inner_->Head(key);
  }
  sarai::Status Get(const store::ObjectInfo& info, const store::ByteSink& sink) override {
    ++gets;
    if (down) return sarai::Status(Code::kUnavailable, "the store cannot be reached");
    return inner_->Get(info, sink);
  }
  Result<store::ListPage> List(const std::string& prefix, bool by_folder,
                               const std::string& continuation) override {
    if (down) return Error(Code::kUnavailable, "the store cannot be reached");
    return inner_->List(prefix, by_folder, continuation);
  }
  std::atomic<bool> down = false;
  std::atomic<int> heads = 0, gets = 0;

 private:
  std::shared_ptr<store::ObjectStore> inner_;
};

class ModelManagerTest : public testing::Test {
 protected:
  // Room for `models` of 10 MiB each.
  void OpenWithRoomFor(int models) {
    at.options.memory_budget_bytes = static_cast<uint64_t>(models) * kModelBytes + (1 << 20);
    at.Open(store);
    at.backend->SetMemoryBytes(kModelBytes);
  }

  TestInstance at;
  std::shared_ptr<CutOffStore> store =
      std::make_shared<CutOffStore>("file://" + at.root.path("source") + "/");
};

TEST_F(ModelManagerTest, ParallelFirstRequestsMakeOneLoadAndAsManyAnswers) {
  at.PutArchive("herd.tar.gz", 6);
  at.Open(store);
  LoadGate gate(*at.backend);
  std::vector<std::future<Reply>> answers;
  for (int i = 0; i < 16; ++i) answers.push_back(at.BeginInvoke("herd.tar.gz"));
  ASSERT_TRUE(Eventually([&] { return at.StatusNumber("waiting_requests") == 16; }));
  gate.Open();
  for (auto& answer : answers) EXPECT_EQ(answer.get().y(), 6);
  EXPECT_EQ(at.CountDecisions("herd.tar.gz", "load"), 1);
  EXPECT_EQ(store->gets, 1);
}

TEST_F(ModelManagerTest, ServesMoreModelsThanFitInMemory) {
  for (int i = 0; i < 12; ++i) at.PutArchive(fmt::format("{}.tar.gz", i), i);
  OpenWithRoomFor(3);
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 12; ++i) {
      const Reply reply = at.Invoke(fmt::format("{}.tar.gz", i));
      ASSERT_EQ(reply.y(), i) << reply.body;
      EXPECT_LE(at.StatusNumber("loaded_model_count"), 4);
    }
  EXPECT_EQ(store->gets, 12);  // the second round comes from disk
  EXPECT_GE(at.CountDecisions("", "evict"), 9);
  int evictions = 0;
  for (int i = 0; i < 12; ++i) {
    const auto explained =
        at.Call("GET", fmt::format("/sarai/v1/explain?model={}.tar.gz", i)).json();
    const int evicted = explained.at("evictions").to_number<int>();
    evictions += evicted;
    EXPECT_EQ(explained.at("last_unload_reason").as_string().empty(), evicted == 0);
  }
  EXPECT_GE(evictions, 9);
}

TEST_F(ModelManagerTest, ManyClientsAndATightBudgetMakeNoErrorAndNoWrongAnswer) {
  for (int i = 0; i < 30; ++i) at.PutArchive(fmt::format("{}.tar.gz", i), i);
  OpenWithRoomFor(5);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client)
    clients.emplace_back([&, client] {
      for (int i = 0; i < 60; ++i) {
        const int model = (client * 7 + i * 11) % 30;
        if (at.Invoke(fmt::format("{}.tar.gz", model)).y() != model) ++wrong;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ModelManagerTest, DeletesUnusedModelsFromAFullDisk) {
  const std::string padding(1 << 20, 'p');
  for (int i = 0; i < 6; ++i) {
    store::TestTar tar;
    tar.File("m/config.pbtxt",
             "backend: \"fake\" default_model_filename: \"model.txt\" "
             "input [{name: \"x\" data_type: TYPE_FP32 dims: [1]}] "
             "output [{name: \"y\" data_type: TYPE_FP32 dims: [1]}]");
    tar.File("m/1/model.txt", std::to_string(i)).File("m/1/pad", padding + std::to_string(i));
    at.PutBytes(fmt::format("{}.tar.gz", i), store::Gzip(tar.Finish()));
  }
  at.options.disk_budget_bytes = 3 << 20;
  OpenWithRoomFor(1);
  for (int i = 0; i < 6; ++i) ASSERT_EQ(at.Invoke(fmt::format("{}.tar.gz", i)).y(), i);
  EXPECT_EQ(at.StateOf("0.tar.gz"), "absent");
  EXPECT_TRUE(Eventually([&] { return at.StatusNumber("disk_used_bytes") <= 3 << 20; }));
  EXPECT_EQ(at.Invoke("0.tar.gz").y(), 0);
}

TEST_F(ModelManagerTest, SwapsANewVersionInWithoutAnError) {
  at.PutArchive("a.tar.gz", 1);
  at.options.revalidate_interval = Duration::zero();
  at.Open(store);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  at.PutArchive("a.tar.gz", 2);
  bool wrong = false;
  EXPECT_TRUE(Eventually([&] {
    const double y = at.Invoke("a.tar.gz").y();
    wrong = wrong || (y != 1 && y != 2);
    return wrong || y == 2;
  }));
  EXPECT_FALSE(wrong);
  EXPECT_TRUE(Eventually([&] { return at.backend->live_models() == 1; }));
  EXPECT_GE(at.CountDecisions("a.tar.gz", "swap"), 1);
}

TEST_F(ModelManagerTest, OldRequestsOfASwappedVersionAreAnsweredByIt) {
  at.PutArchive("a.tar.gz", 1);
  at.options.revalidate_interval = Duration::zero();
  at.Open(store);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  at.backend->Hold();
  at.PutArchive("a.tar.gz", 2);
  auto old = at.BeginInvoke("a.tar.gz");
  at.backend->WaitUntilHeld(1);
  ASSERT_TRUE(Eventually([&] { return at.CountDecisions("a.tar.gz", "swap") == 2; }));
  at.backend->Release();
  EXPECT_EQ(old.get().status, 200);
  EXPECT_EQ(at.Invoke("a.tar.gz").y(), 2);
  EXPECT_TRUE(Eventually([&] { return at.backend->live_models() == 1; }));
}

TEST_F(ModelManagerTest, UnloadsTheOldVersionFirstWhereBothDoNotFit) {
  at.PutArchive("a.tar.gz", 1);
  at.options.revalidate_interval = Duration::zero();
  OpenWithRoomFor(1);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  store::TestTar tar;  // large files: the estimate alone tells that there is no room for both
  tar.File("m/config.pbtxt",
           "backend: \"fake\" default_model_filename: \"model.txt\" "
           "input [{name: \"x\" data_type: TYPE_FP32 dims: [1]}] "
           "output [{name: \"y\" data_type: TYPE_FP32 dims: [1]}]");
  tar.File("m/1/model.txt", "2").File("m/1/weights", std::string(6 << 20, 'w'));
  at.PutBytes("a.tar.gz", store::Gzip(tar.Finish()));
  EXPECT_TRUE(Eventually([&] {
    const Reply reply = at.Invoke("a.tar.gz");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status != 200 || reply.y() == 2;
  }));
  EXPECT_LE(at.StatusNumber("memory_used_bytes"), at.StatusNumber("memory_budget_bytes"));
}

TEST_F(ModelManagerTest, ACorruptNewVersionLeavesTheOldOneServing) {
  at.PutArchive("a.tar.gz", 1);
  at.options.revalidate_interval = Duration::zero();
  at.Open(store);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  at.PutBytes("a.tar.gz", "this is no archive");
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(at.Invoke("a.tar.gz").y(), 1);
    return at.CountDecisions("a.tar.gz", "fail") > 0;
  }));
  const int gets = store->gets;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(at.Invoke("a.tar.gz").y(), 1);
  EXPECT_EQ(store->gets, gets);  // what is broken is not fetched again and again
  at.PutArchive("a.tar.gz", 3);
  EXPECT_TRUE(Eventually([&] { return at.Invoke("a.tar.gz").y() == 3; }));
}

TEST_F(ModelManagerTest, ADeletedKeyAnswersWhileItIsLoadedAndIsGoneAfterwards) {
  at.PutArchive("a.tar.gz", 1);
  at.options.revalidate_interval = Duration::zero();
  at.Open(store);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  at.DeleteKey("a.tar.gz");
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(at.Invoke("a.tar.gz").y(), 1);
    return at.Call("GET", "/sarai/v1/explain?model=a.tar.gz")
        .json()
        .at("deleted_at_origin")
        .as_bool();
  }));
  EXPECT_EQ(at.Call("POST", "/sarai/v1/models/a.tar.gz/unload").status, 200);
  EXPECT_EQ(at.Invoke("a.tar.gz").status, 404);
  EXPECT_TRUE(Eventually([&] { return at.StateOf("a.tar.gz") == "absent"; }));
  at.PutArchive("a.tar.gz", 2);
  EXPECT_EQ(at.Invoke("a.tar.gz").y(), 2);
}

TEST_F(ModelManagerTest, LoadedModelsAndThoseOnDiskLiveOnWithoutTheStore) {
  for (int i = 0; i < 3; ++i) at.PutArchive(fmt::format("{}.tar.gz", i), i);
  at.options.revalidate_interval = Duration::zero();
  OpenWithRoomFor(1);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(at.Invoke(fmt::format("{}.tar.gz", i)).y(), i);
  store->down = true;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(at.Invoke(fmt::format("{}.tar.gz", i)).y(), i);
  EXPECT_EQ(at.Invoke("never-seen.tar.gz").status, 503);
}

TEST_F(ModelManagerTest, ARestartServesFromDisk) {
  at.PutArchive("a.tar.gz", 4);
  at.Open(store);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 4);
  at.Open(store);
  EXPECT_EQ(at.StateOf("a.tar.gz"), "on_disk");
  store->down = true;
  EXPECT_EQ(at.Invoke("a.tar.gz").y(), 4);
  EXPECT_EQ(store->gets, 1);
}

TEST_F(ModelManagerTest, MeasuredFiguresOutliveARestart) {
  at.PutArchive("a.tar.gz", 1);
  OpenWithRoomFor(3);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  OpenWithRoomFor(3);
  LoadGate gate(*at.backend);
  auto answer = at.BeginInvoke("a.tar.gz");
  ASSERT_TRUE(Eventually([&] { return at.StateOf("a.tar.gz") == "loading"; }));
  EXPECT_GE(at.StatusNumber("memory_used_bytes"), static_cast<int64_t>(kModelBytes));
  gate.Open();
  EXPECT_EQ(answer.get().y(), 1);
}

TEST_F(ModelManagerTest, EachFailureHasItsOwnErrorAndDisturbsNobody) {
  at.PutArchive("good.tar.gz", 1);
  at.PutBytes("text.tar.gz", "this is no archive");
  store::TestTar tar;
  tar.File("m/1/model.txt", "1");
  at.PutBytes("cut.tar.gz", store::Gzip(tar.Finish()).substr(0, 60));
  store::TestTar bad_config;
  bad_config.File("m/config.pbtxt", "no_such_field: 1").File("m/1/model.txt", "1");
  at.PutBytes("config.tar.gz", store::Gzip(bad_config.Finish()));
  at.Open(store);
  ASSERT_EQ(at.Invoke("good.tar.gz").y(), 1);
  for (const char* name : {"text.tar.gz", "cut.tar.gz", "config.tar.gz"}) {
    const Reply reply = at.Invoke(name);
    EXPECT_GE(reply.status, 400) << name;
    EXPECT_THAT(reply.error(), HasSubstr(name));
    EXPECT_NE(reply.header("x-sarai-error"), "") << name;
  }
  EXPECT_THAT(at.Invoke("config.tar.gz").error(), HasSubstr("no_such_field"));
  EXPECT_EQ(at.Invoke("good.tar.gz").header("x-sarai-model-state"), "warm");
  at.PutArchive("text.tar.gz", 9);
  EXPECT_EQ(at.Invoke("text.tar.gz").y(), 9);
}

TEST_F(ModelManagerTest, RefusesWhatCanNeverFit) {
  store::TestTar tar;
  tar.File("m/1/model.txt", "1").File("m/1/weights", std::string(8 << 20, 'w'));
  at.PutBytes("huge.tar.gz", store::Gzip(tar.Finish()));
  at.PutArchive("small.tar.gz", 1);
  at.options.memory_budget_bytes = 4 << 20;
  at.Open(store);
  ASSERT_EQ(at.Invoke("small.tar.gz").y(), 1);
  const Reply reply = at.Invoke("huge.tar.gz");
  EXPECT_EQ(reply.status, 507) << reply.body;
  EXPECT_EQ(at.Invoke("small.tar.gz").header("x-sarai-model-state"), "warm");
}

TEST_F(ModelManagerTest, EndsTheWaitWith429WhileTheLoadGoesOn) {
  at.PutArchive("slow.tar.gz", 8);
  at.options.wait_budget = std::chrono::milliseconds(30);
  at.Open(store);
  LoadGate gate(*at.backend);
  const Reply late = at.Invoke("slow.tar.gz");
  EXPECT_EQ(late.status, 429) << late.body;
  EXPECT_EQ(late.header("x-sarai-error"), "deadline_exceeded");
  EXPECT_TRUE(Eventually([&] { return at.StateOf("slow.tar.gz") == "loading"; }));
  gate.Open();
  EXPECT_TRUE(Eventually([&] { return at.Invoke("slow.tar.gz").y() == 8; }));
  EXPECT_EQ(at.CountDecisions("slow.tar.gz", "load"), 1);
}

TEST_F(ModelManagerTest, ALostHostCostsOnlyTheRequestsInItAndComesBackOnDemand) {
  at.PutArchive("a.tar.gz", 1);
  at.PutArchive("b.tar.gz", 2);
  at.Open(store);
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  ASSERT_EQ(at.Invoke("b.tar.gz").y(), 2);
  at.backend->Hold();
  auto hit = at.BeginInvoke("a.tar.gz");
  at.backend->WaitUntilHeld(1);
  at.backend->LoseModels(sarai::Status(Code::kUnavailable, "host killed"));
  EXPECT_EQ(hit.get().status, 503);
  at.backend->Release();
  EXPECT_EQ(at.Invoke("a.tar.gz").y(), 1);
  EXPECT_EQ(at.Invoke("b.tar.gz").y(), 2);
}

TEST_F(ModelManagerTest, AnswersEverybodyWhenItStops) {
  at.PutArchive("a.tar.gz", 1);
  at.Open(store);
  auto gate = std::make_unique<LoadGate>(*at.backend);
  auto answer = at.BeginInvoke("a.tar.gz");
  ASSERT_TRUE(Eventually([&] { return at.StateOf("a.tar.gz") == "loading"; }));
  std::thread stop([&] { at.core->Stop(); });
  EXPECT_EQ(answer.get().status, 503);
  gate->Open();
  stop.join();
  EXPECT_EQ(at.Invoke("a.tar.gz").status, 503);
}

TEST_F(ModelManagerTest, TakesAFolderOfLooseObjectsForAModel) {
  at.PutBytes("loose/config.pbtxt",
              "backend: \"fake\" default_model_filename: \"model.txt\" "
              "input [{name: \"x\" data_type: TYPE_FP32 dims: [1]}] "
              "output [{name: \"y\" data_type: TYPE_FP32 dims: [1]}]");
  at.PutBytes("loose/1/model.txt", "12");
  at.Open(store);
  const Reply reply = at.Invoke("loose/");
  EXPECT_EQ(reply.y(), 12) << reply.body;
}

}  // namespace
}  // namespace sarai::instance
