#include "instance/front/mme_front.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "instance/front/reply.h"
#include "wire/mme/mme.h"

namespace sarai::instance {
namespace {

constexpr int64_t kDefaultPage = 100, kMaxPage = 1000;

std::string ContentType(const kserve::EncodedResponse& response) {
  return response.binary ? mme::BinaryContentType(response.json_size) : "application/json";
}

constexpr Inference::Dialect kDialect = {.content_type = ContentType,
                                         .http_status = mme::HttpStatus};

http::Response MmeError(const Status& why) { return ErrorReply(mme::HttpStatus(why.code()), why); }

// A page's token is the last name before it: pages stay right when models come and go.
std::string TokenOf(const std::string& name) { return HexEncode(std::as_bytes(std::span(name))); }

Result<std::string> NameOf(std::string_view token) {
  const auto bytes = HexDecode(token);
  if (!bytes) return Error(Code::kInvalidArgument, "'{}' is no next_page_token of mine", token);
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

mme::ModelEntry EntryOf(const ServingModel& model) {
  return {.model_name = model.name, .model_url = model.origin.url};
}

mme::ListPage MakePage(const std::vector<ServingModelPtr>& all, const std::string& after,
                       int64_t limit) {
  auto it = std::upper_bound(
      all.begin(), all.end(), after,
      [](const std::string& name, const ServingModelPtr& model) { return name < model->name; });
  mme::ListPage page;
  for (; it != all.end() && std::ssize(page.models) < limit; ++it)
    page.models.push_back(EntryOf(**it));
  if (it != all.end()) page.next_page_token = TokenOf(page.models.back().model_name);
  return page;
}

}  // namespace

MmeFront::MmeFront(ModelManager& manager, SharedMemory& memory, MmeFrontOptions options)
    : manager_(manager),
      options_(std::move(options)),
      inference_(manager, memory, options_.parse, options_.instance_id, kDialect) {
  router_.Add("GET", "/ping", Call::kPing);
  router_.Add("POST", "/models", Call::kLoad);
  router_.Add("GET", "/models", Call::kList);
  router_.Add("GET", "/models/{name}", Call::kGet);
  router_.Add("DELETE", "/models/{name}", Call::kUnload);
  router_.Add("POST", "/models/{name}/invoke", Call::kInvoke);
  router_.Add("POST", "/invocations", Call::kInvocations);
}

void MmeFront::Handle(http::Request request, const http::Target& target, http::Responder respond) {
  const auto match = router_.Find(request.method, target.segments);
  if (match.value == nullptr) return respond(NoRouteReply(request, match.allowed));
  const std::string name(match.captures.Get("name"));
  switch (*match.value) {
    case Call::kPing: return Ping(std::move(respond));
    case Call::kLoad: return Load(request, std::move(respond));
    case Call::kList: return List(target, std::move(respond));
    case Call::kGet: return Get(name, std::move(respond));
    case Call::kUnload: return Unload(request, name, std::move(respond));
    case Call::kInvoke: return Invoke(request, name, std::move(respond));
    case Call::kInvocations:
      if (options_.single_model) return Infer(request, *options_.single_model, std::move(respond));
      return respond(MmeError(
          Status(Code::kNotFound, "this instance serves many models: POST /models/NAME/invoke")));
  }
}

void MmeFront::Ping(http::Responder respond) const {
  if (!options_.single_model) return respond(EmptyReply(200));
  const Status state = options_.single_model_state();
  respond(state.ok() ? EmptyReply(200) : ErrorReply(503, state));
}

void MmeFront::Load(const http::Request& request, http::Responder respond) {
  auto load = mme::ParseLoadRequest(request.body.text());
  if (!load) return respond(MmeError(load.error()));
  std::string target(request.headers.Get(mme::kTargetModelHeader));
  manager_.LoadLocal(
      load->model_name, load->url, std::move(target),
      [entry = mme::ModelEntry{load->model_name, load->url},
       respond = std::move(respond)](Status status) mutable {
        respond(status.ok() ? JsonReply(200, mme::EncodeModel(entry)) : MmeError(status));
      });
}

void MmeFront::List(const http::Target& target, http::Responder respond) const {
  const std::string_view limit_text = target.Query("limit");
  const auto limit = limit_text.data() == nullptr ? kDefaultPage : ParseInt(limit_text).value_or(0);
  if (limit < 1)
    return respond(MmeError(
        MakeStatus(Code::kInvalidArgument, "limit '{}' is no positive number", limit_text)));
  std::string after;
  if (const std::string_view token = target.Query("next_page_token"); !token.empty()) {
    auto name = NameOf(token);
    if (!name) return respond(MmeError(name.error()));
    after = std::move(*name);
  }
  respond(JsonReply(
      200, mme::EncodeList(MakePage(manager_.AllServing(), after, std::min(limit, kMaxPage)))));
}

void MmeFront::Get(const std::string& name, http::Responder respond) const {
  const ServingModelPtr model = manager_.Serving(name);
  if (model == nullptr)
    return respond(MmeError(MakeStatus(Code::kNotFound, "model '{}' is not loaded", name)));
  respond(JsonReply(200, mme::EncodeModel(EntryOf(*model))));
}

Result<std::string> MmeFront::ModelOf(const http::Request& request, const std::string& name) const {
  const std::string_view target = request.headers.Get(mme::kTargetModelHeader);
  const auto loaded_for = manager_.LocalTarget(name);
  if (!loaded_for) return target.empty() ? name : std::string(target);
  if (!target.empty() && !loaded_for->empty() && target != *loaded_for)
    return Error(Code::kInvalidArgument,
                 "model '{}' was loaded for TargetModel '{}', the request names '{}'", name,
                 *loaded_for, target);
  return name;
}

void MmeFront::Unload(const http::Request& request, const std::string& name,
                      http::Responder respond) {
  auto model = ModelOf(request, name);
  if (!model) return respond(MmeError(model.error()));
  manager_.Unload(std::move(*model), /*with_steps=*/false,
                  [respond = std::move(respond)](Status status) mutable {
                    respond(status.ok() ? EmptyReply(200) : MmeError(status));
                  });
}

void MmeFront::Invoke(const http::Request& request, const std::string& name,
                      http::Responder respond) {
  auto model = ModelOf(request, name);
  if (!model) return respond(MmeError(model.error()));
  Infer(request, std::move(*model), std::move(respond));
}

void MmeFront::Infer(const http::Request& request, std::string model, http::Responder respond) {
  // SageMaker itself hands on no Content-Encoding: this is for those who call the container.
  auto body = PlainBody(request, options_.max_body_bytes);
  if (!body) return respond(MmeError(body.error()));
  const auto json_size =
      mme::JsonSizeFromContentType(request.headers.Get("Content-Type"), body->size());
  if (!json_size) return respond(MmeError(json_size.error()));
  inference_.Run({.model = std::move(model),
                  .body = std::move(*body),
                  .json_size = *json_size,
                  .caller = CallerOf(request),
                  .cancellation = request.cancellation},
                 std::move(respond));
}

}  // namespace sarai::instance
