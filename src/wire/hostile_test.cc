// Every parser of the room against seeded mutations of good input: whatever comes, it answers with
// a value or an error that says something, and reads nothing that is not its own (the sanitizer
// presets watch that).
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model_config.pb.h"
#include "wire/golden.h"
#include "wire/http/uri.h"
#include "wire/json/json.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/management.h"
#include "wire/mme/mme.h"
#include "wire/modelconfig/model_config.h"
#include "wire/sigv4/sigv4.h"

namespace sarai {
namespace {

constexpr int kRounds = 400;  // per sample

// Flips, drops, doubles and inserts what parsers care about.
class Mutator {
 public:
  std::string Change(std::string text) {
    const int changes = Pick(1, 4);
    for (int i = 0; i < changes; ++i) ChangeOnce(text);
    return text;
  }
  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

 private:
  void ChangeOnce(std::string& text) {
    static const std::vector<std::string> kPieces = {"[",    "]",
                                                     "{",    "}",
                                                     "\"",   ":",
                                                     ",",    "\\u",
                                                     "-1",   "1e999",
                                                     "null", "NaN",
                                                     "\xFF", std::string(1, '\0'),
                                                     "/",    "../",
                                                     "%",    ";",
                                                     "=",    "18446744073709551616"};
    const size_t at =
        text.empty() ? 0 : static_cast<size_t>(Pick(0, static_cast<int>(text.size()) - 1));
    const size_t length = static_cast<size_t>(Pick(1, 12));
    switch (Pick(0, 3)) {
      case 0: text.insert(at, kPieces[Pick(0, static_cast<int>(kPieces.size()) - 1)]); return;
      case 1: text.erase(at, length); return;
      case 2: text.insert(at, text.substr(at, length)); return;
      default:
        if (!text.empty()) text[at] = static_cast<char>(Pick(0, 255));
    }
  }

  std::mt19937 random_{20260131};
};

template <typename T>
void ExpectAnswer(const Result<T>& result, const std::string& input) {
  if (result) return;
  EXPECT_FALSE(result.error().message().empty()) << input;
}

TEST(HostileInput, IsAnsweredByTheInferenceRequestParser) {
  Mutator mutator;
  for (const auto& file : golden::Files("kserve/requests", ".bin")) {
    const std::string good = golden::Read(file);
    for (int i = 0; i < kRounds; ++i) {
      const std::string bad = mutator.Change(good);
      const Blob body = Blob::FromString(bad);
      ExpectAnswer(kserve::ParseInferRequest(body, std::nullopt, {}), bad);
      const auto json_size = static_cast<size_t>(mutator.Pick(0, static_cast<int>(bad.size()) + 2));
      const auto request = kserve::ParseInferRequest(body, json_size, {});
      ExpectAnswer(request, bad);
      if (!request || request->raw_input) continue;
      for (const Tensor& input : request->inputs) EXPECT_TRUE(CheckTensorBytes(input).ok()) << bad;
    }
  }
}

TEST(HostileInput, IsAnsweredByTheConfigurationParsers) {
  Mutator mutator;
  for (const auto& file : golden::Files("modelconfig", ".pbtxt")) {
    const std::string text = golden::Read(file);
    const std::string json = golden::ReadBeside(file, ".json");
    for (int i = 0; i < kRounds; ++i) {
      auto config = modelconfig::ParseText(mutator.Change(text), "config.pbtxt");
      ExpectAnswer(config, text);
      ExpectAnswer(modelconfig::ParseJson(mutator.Change(json)), json);
      if (!config || !modelconfig::Autofill(*config, "m", {"model.onnx"}).ok()) continue;
      modelconfig::Normalize(*config);
      if (!modelconfig::Validate(*config).ok()) continue;
      EXPECT_TRUE(modelconfig::ToSpec(*config, 1, "/m"));
      EXPECT_TRUE(modelconfig::ParseJson(modelconfig::ToJson(*config)));
    }
  }
}

TEST(HostileInput, IsAnsweredByTheSmallParsers) {
  Mutator mutator;
  const std::string target = "/v2/models/a%20b/versions/1/infer?limit=5&X-Amz-Credential=A%2Fb";
  const std::string type = "application/vnd.sagemaker-triton.binary+json;json-header-size=12";
  const std::string load = R"({"model_name":"m","url":"/m","parameters":{"config":"{}"}})";
  const std::string signature =
      "AWS4-HMAC-SHA256 Credential=AK/20150830/us-east-1/s3/aws4_request, SignedHeaders=host, "
      "Signature=00";
  for (int i = 0; i < 10 * kRounds; ++i) {
    http::Request request{.method = "GET", .target = mutator.Change(target)};
    ExpectAnswer(http::ParseTarget(request.target), request.target);
    (void)sigv4::ReadScope(request);
    request.headers.Set("Authorization", mutator.Change(signature));
    (void)sigv4::ReadScope(request);
    ExpectAnswer(mme::JsonSizeFromContentType(mutator.Change(type), 100), type);
    ExpectAnswer(mme::ParseLoadRequest(mutator.Change(load)), load);
    ExpectAnswer(kserve::ParseLoadRequest(mutator.Change(load), 64u << 20), load);
    ExpectAnswer(json::Parse(mutator.Change(load)), load);
  }
}

}  // namespace
}  // namespace sarai
