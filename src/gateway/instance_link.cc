#include "gateway/instance_link.h"

#include <utility>
#include <vector>

#include "wire/json/json.h"

namespace sarai::gateway {
namespace {

constexpr size_t kMaxFeedBytes = 256u << 20;

ModelState ParseState(std::string_view name) {
  for (const ModelState state : {ModelState::kFetching, ModelState::kOnDisk, ModelState::kLoading,
                                 ModelState::kReady, ModelState::kDraining})
    if (ModelStateName(state) == name) return state;
  return ModelState::kAbsent;
}

struct Feed {
  int64_t version = 0;
  std::map<std::string, ModelState, std::less<>> states;
};

Result<Feed> ParseFeed(std::string_view text) {
  SARAI_TRY(const json::Object object, json::ParseObject(text, {.max_bytes = kMaxFeedBytes}));
  const json::ObjectView view(object);
  Feed feed;
  SARAI_TRY(feed.version, view.RequireInt("version"));
  SARAI_TRY(const std::vector<json::ObjectView> models, view.Children("models"));
  for (const json::ObjectView& model : models) {
    SARAI_TRY(std::string name, model.RequireString("model"));
    SARAI_TRY(const std::string state, model.RequireString("state"));
    const ModelState parsed = ParseState(state);
    if (parsed != ModelState::kAbsent) feed.states.emplace(std::move(name), parsed);
  }
  return feed;
}

}  // namespace

policy::InstanceView InstanceLink::View(std::string_view model, bool ready) const {
  policy::InstanceView view{.id = id_, .ready = ready && !broken_, .in_flight = in_flight_};
  std::lock_guard lock(mu_);
  if (const auto it = states_.find(model); it != states_.end()) view.model_state = it->second;
  if (const auto it = model_in_flight_.find(model); it != model_in_flight_.end())
    view.model_in_flight = it->second;
  return view;
}

void InstanceLink::Sent(std::string_view model) {
  ++in_flight_;
  std::lock_guard lock(mu_);
  const auto it = model_in_flight_.find(model);
  if (it != model_in_flight_.end()) {
    ++it->second;
    return;
  }
  model_in_flight_.emplace(model, 1);
}

void InstanceLink::Returned(std::string_view model) {
  --in_flight_;
  std::lock_guard lock(mu_);
  const auto it = model_in_flight_.find(model);
  if (it != model_in_flight_.end() && --it->second == 0) model_in_flight_.erase(it);
}

void InstanceLink::Note(std::string_view model, ModelState state) {
  std::lock_guard lock(mu_);
  const auto it = states_.find(model);
  if (state == ModelState::kAbsent) {
    if (it != states_.end()) states_.erase(it);
    return;
  }
  if (it != states_.end()) {
    it->second = state;
    return;
  }
  states_.emplace(model, state);
}

Result<int64_t> InstanceLink::ApplyFeed(std::string_view json) {
  auto feed = ParseFeed(json);
  if (!feed)
    return Error(feed.error().WithContext(
        fmt::format("instance {} sent a residency feed that is no feed", id_)));
  const std::lock_guard lock(mu_);
  states_ = std::move(feed->states);
  return feed->version;
}

}  // namespace sarai::gateway
