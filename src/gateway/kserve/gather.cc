#include "gateway/kserve/gather.h"

#include <mutex>
#include <utility>

namespace sarai::gateway {
namespace {

class Gathering {
 public:
  Gathering(size_t expected, Gathered done) : left_(expected), done_(std::move(done)) {}

  void Add(std::expected<http::Response, net::SendError> reply) {
    std::vector<http::Response> all;
    {
      const std::lock_guard lock(mu_);
      if (reply && reply->status / 100 == 2) answers_.push_back(std::move(*reply));
      if (--left_ > 0) return;
      all = std::move(answers_);
    }
    if (all.empty())
      return done_(Error(Code::kUnavailable, "no instance of the endpoint has answered"));
    done_(std::move(all));
  }

 private:
  std::mutex mu_;
  size_t left_;                          // guarded by mu_
  std::vector<http::Response> answers_;  // guarded by mu_
  Gathered done_;                        // used once, by the last answer
};

// Of those that are ready and, unless `model` is empty, hold it.
std::vector<std::string> Addresses(const RoutedEndpoint& endpoint, const std::string& model) {
  std::vector<std::string> addresses;
  for (const RoutedVariant& variant : endpoint.variants)
    for (const RoutedInstance& instance : variant.instances) {
      const policy::InstanceView view = instance.link->View(model, instance.ready);
      if (view.ready && (model.empty() || view.model_state == ModelState::kReady))
        addresses.push_back(instance.link->address());
    }
  return addresses;
}

}  // namespace

void AskAll(Dispatcher& dispatcher, const std::string& endpoint, const http::Request& question,
            Gathered done) {
  AskHolders(dispatcher, endpoint, /*model=*/"", question, std::move(done));
}

void AskHolders(Dispatcher& dispatcher, const std::string& endpoint, const std::string& model,
                const http::Request& question, Gathered done) {
  const auto fleet = dispatcher.Fleet();
  const auto it = fleet->endpoints.find(endpoint);
  if (it == fleet->endpoints.end())
    return done(Error(Code::kNotFound, "Endpoint {} of account {} not found.", endpoint,
                      dispatcher.options().account));
  const std::vector<std::string> addresses = Addresses(it->second, model);
  if (addresses.empty())
    return done(
        Error(Code::kUnavailable, "no instance of endpoint {} is healthy at the moment", endpoint));
  auto gathering = std::make_shared<Gathering>(addresses.size(), std::move(done));
  for (const std::string& address : addresses)
    dispatcher.transport().Send(address, question,
                                {.timeout = dispatcher.options().kserve.gather_timeout},
                                [gathering](std::expected<http::Response, net::SendError> reply) {
                                  gathering->Add(std::move(reply));
                                });
}

}  // namespace sarai::gateway
