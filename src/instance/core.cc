#include "instance/core.h"

#include <atomic>
#include <utility>

#include "instance/core_parts.h"
#include "instance/front/grpc/carried_call.h"
#include "instance/front/reply.h"
#include "instance/fronts.h"
#include "instance/health.h"
#include "instance/part_options.h"
#include "instance/storage.h"

namespace sarai::instance {

struct Core::Impl {
  Impl(InstanceOptions options, const Clock& clock, Catalog catalog,
       std::unique_ptr<Observability> observability, Storage storage)
      : parts(std::move(options), clock, std::move(catalog), std::move(observability),
              std::move(storage)) {}
  ~Impl() { Stop(); }

  void Stop() {
    if (stopped.exchange(true)) return;
    health.BeginDrain();
    parts.Stop();
  }

  std::atomic<bool> stopped = false;
  CoreParts parts;
  Health health{parts};
  std::unique_ptr<Fronts> fronts;
};

Result<std::unique_ptr<Core>> Core::Open(InstanceOptions options, const Clock& clock,
                                         std::shared_ptr<store::ObjectStore> store) {
  SARAI_CHECK_OK(CheckOptions(options));
  SARAI_TRY(Catalog catalog, Catalog::Open({.model_repositories = options.model_repositories,
                                            .source_url = options.source_url,
                                            .single_model = options.single_model}));
  SARAI_TRY(Storage storage, OpenStorage(catalog, options, clock, std::move(store)));
  SARAI_TRY(auto observability, Observability::Open(options, clock));
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(catalog),
                                     std::move(observability), std::move(storage));
  SARAI_TRY(impl->fronts, Fronts::Open(impl->parts, impl->health));
  impl->parts.AdoptDisk();
  return std::unique_ptr<Core>(new Core(std::move(impl)));
}

Core::Core(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Core::~Core() = default;

void Core::Start(std::move_only_function<void(Status)> done) {
  impl_->parts.sampler.Start();
  if (impl_->parts.single_model) (void)impl_->parts.single_model->Check();
  impl_->parts.manager.Start(std::move(done));
}

void Core::Handle(http::Request request, http::Responder respond) {
  if (impl_->stopped) return respond(ErrorReply(503, impl_->health.Ready()));
  if (impl_->parts.options.serve_grpc && kserve::grpc::IsCarriedCall(request.target))
    return impl_->fronts->grpc().Handle(
        CarriedCall::Make(std::move(request), impl_->parts.clock.Now(), std::move(respond)));
  impl_->fronts->http().Handle(std::move(request), std::move(respond));
}

void Core::HandleMetrics(http::Request request, http::Responder respond) {
  if (impl_->stopped) return respond(ErrorReply(503, impl_->health.Ready()));
  impl_->fronts->http().HandleMetrics(std::move(request), std::move(respond));
}

void Core::HandleGrpc(net::GrpcCallPtr call) {
  constexpr int kUnavailable = 14;
  if (impl_->stopped)
    return call->Finish({.code = kUnavailable, .message = impl_->health.Ready().message()});
  impl_->fronts->grpc().Handle(std::move(call));
}

void Core::BeginDrain() {
  impl_->health.BeginDrain();
  impl_->fronts->grpc().BeginDrain();
  impl_->parts.manager.EndWatches();
}

void Core::Stop() { impl_->Stop(); }

const InstanceOptions& Core::options() const { return impl_->parts.options; }

engine::BackendRegistry& Core::registry() { return impl_->parts.registry; }

}  // namespace sarai::instance
