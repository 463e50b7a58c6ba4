// Every parser of the room against seeded mutations of good input: whatever comes, it answers with
// a value or an error that says something, and reads nothing that is not its own (the sanitizer
// presets watch that).
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "grpc_service.pb.h"
#include "model_config.pb.h"
#include "wire/golden.h"
#include "wire/http/uri.h"
#include "wire/json/json.h"
#include "wire/kserve/grpc_codec.h"
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

inference::ModelInferRequest GrpcRequest() {
  inference::ModelInferRequest request;
  request.set_model_name("m");
  request.set_model_version("1");
  (*request.mutable_parameters())["priority"].set_int64_param(2);
  (*request.mutable_parameters())["sequence_id"].set_string_param("s");
  for (const char* const type : {"FP32", "BYTES", "INT8"}) {
    auto& input = *request.add_inputs();
    input.set_name(type);
    input.set_datatype(type);
    input.add_shape(2);
  }
  request.add_outputs()->set_name("y");
  (*request.mutable_outputs(0)->mutable_parameters())["classification"].set_int64_param(3);
  return request;
}

TEST(HostileInput, IsAnsweredByTheGrpcRequestParser) {
  Mutator mutator;
  inference::ModelInferRequest raw = GrpcRequest(), typed = GrpcRequest();
  for (const auto& bytes : {std::string(8, '1'), std::string(8, '\0'), std::string("ab")})
    raw.add_raw_input_contents(bytes);
  typed.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
  typed.mutable_inputs(0)->mutable_contents()->add_fp32_contents(2);
  for (int i = 0; i < 2; ++i) {
    typed.mutable_inputs(1)->mutable_contents()->add_bytes_contents("text");
    typed.mutable_inputs(2)->mutable_contents()->add_int_contents(-i);
  }
  for (const auto& good : {raw.SerializeAsString(), typed.SerializeAsString()}) {
    ASSERT_TRUE(kserve::grpc::ParseInferRequest(Blob::FromString(good), {}));
    for (int i = 0; i < 20 * kRounds; ++i) {
      const std::string bad = mutator.Change(good);
      const auto request = kserve::grpc::ParseInferRequest(Blob::FromString(bad), {});
      ExpectAnswer(request, bad);
      if (!request) continue;
      for (const Tensor& input : request->request.inputs)
        EXPECT_TRUE(request->request.shared_inputs.contains(input.name) ||
                    CheckTensorBytes(input).ok());
    }
  }
}

TEST(HostileInput, IsAnsweredByTheOtherGrpcParsers) {
  Mutator mutator;
  InferResponse response{.model = "m", .id = "i"};
  response.outputs = {
      {.name = "y", .type = DataType::kUint8, .shape = {2}, .data = Blob::FromString("ab")}};
  const auto parts = kserve::grpc::EncodeInferResponse(response, {}, {}, true);
  ASSERT_TRUE(parts);
  std::string answer;
  for (const Blob& part : *parts) answer += part.text();
  inference::RepositoryModelLoadRequest load;
  load.set_model_name("m");
  (*load.mutable_parameters())["config"].set_string_param("{}");
  inference::TraceSettingRequest trace;
  (*trace.mutable_settings())["trace_level"].add_value("OFF");
  for (int i = 0; i < 10 * kRounds; ++i) {
    const Blob bad = Blob::FromString(mutator.Change(answer));
    ExpectAnswer(kserve::grpc::ParseStreamResponse(bad), answer);
    ExpectAnswer(kserve::grpc::ParseInferResponse(bad), answer);
    const Blob change = Blob::FromString(mutator.Change(load.SerializeAsString()));
    ExpectAnswer(kserve::grpc::ParseLoadRequest(change, 100), "load");
    ExpectAnswer(kserve::grpc::ParseModelName(change), "name");
    ExpectAnswer(kserve::grpc::ParseSystemRegister(change), "register");
    ExpectAnswer(kserve::grpc::AnswerReflection(change), "reflection");
    ExpectAnswer(kserve::grpc::ParseTraceSettings(
                     Blob::FromString(mutator.Change(trace.SerializeAsString()))),
                 "trace");
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
