// The container contract: a Content-Type in the first line, then a body.
#include "wire/mme/mme.h"
#include "fuzz/fuzz.h"
#include "wire/json/json.h"

namespace sarai::fuzz {
namespace {

void Run(Input input) {
  const std::string_view type = input.Line(), body = input.rest();
  const auto json_size = mme::JsonSizeFromContentType(type, body.size());
  if (ExpectAnswer(json_size) && *json_size) {
    FUZZ_EXPECT(**json_size <= body.size());
    const auto again =
        mme::JsonSizeFromContentType(mme::BinaryContentType(**json_size), body.size());
    FUZZ_EXPECT(again.has_value() && *again == *json_size);
  }
  const auto load = mme::ParseLoadRequest(body);
  if (!ExpectAnswer(load)) return;
  FUZZ_EXPECT(!load->model_name.empty() && !load->url.empty());
  const mme::ModelEntry entry{.model_name = load->model_name, .model_url = load->url};
  const std::string list = mme::EncodeList({.models = {entry}, .next_page_token = load->url});
  FUZZ_EXPECT(json::ParseObject(list).has_value(), "{}", list);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
