#include "gateway/instance_link.h"

#include <utility>

#include <boost/json.hpp>

namespace sarai::gateway {
namespace {

ModelState ParseState(std::string_view name) {
  for (const ModelState state : {ModelState::kFetching, ModelState::kOnDisk, ModelState::kLoading,
                                 ModelState::kReady, ModelState::kDraining})
    if (ModelStateName(state) == name) return state;
  return ModelState::kAbsent;
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
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(json, error);
  const boost::json::object* const feed = error ? nullptr : value.if_object();
  if (feed == nullptr || !feed->contains("version") || !feed->at("version").is_number())
    return Error(Code::kInternal, "instance {} sent a residency feed that is no feed", id_);
  std::map<std::string, ModelState, std::less<>> states;
  if (const boost::json::value* const models = feed->if_contains("models");
      models != nullptr && models->is_array()) {
    for (const boost::json::value& row : models->get_array()) {
      const boost::json::object* const model = row.if_object();
      if (model == nullptr) continue;
      const auto* const name = model->if_contains("model");
      const auto* const state = model->if_contains("state");
      if (name == nullptr || !name->is_string() || state == nullptr || !state->is_string())
        continue;
      const ModelState parsed = ParseState(state->get_string());
      if (parsed != ModelState::kAbsent) states.emplace(name->get_string(), parsed);
    }
  }
  const int64_t version = feed->at("version").to_number<int64_t>();
  std::lock_guard lock(mu_);
  states_ = std::move(states);
  return version;
}

}  // namespace sarai::gateway
