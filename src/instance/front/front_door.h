// All of an instance's HTTP: picks the front by the path's first segment.
//
// Threads: any. Owned by the instance; requests may still be answered after it is gone.
#pragma once

#include "instance/front/admin_front.h"
#include "instance/front/kserve_front.h"
#include "instance/front/mme_front.h"
#include "wire/http/message.h"

namespace sarai::instance {

class FrontDoor {
 public:
  FrontDoor(ModelManager& manager, std::shared_ptr<InstanceMetrics> metrics, MmeFrontOptions mme,
            KserveFrontOptions kserve, AdminFrontParts admin)
      : manager_(manager),
        metrics_(std::move(metrics)),
        mme_(manager, std::move(mme)),
        kserve_(manager, std::move(kserve)),
        admin_(std::move(admin)) {}

  void Handle(http::Request request, http::Responder respond);
  // The metrics port: GET /metrics and nothing else.
  void HandleMetrics(http::Request request, http::Responder respond);

 private:
  void Metrics(http::Responder respond);

  ModelManager& manager_;
  const std::shared_ptr<InstanceMetrics> metrics_;
  MmeFront mme_;
  KserveFront kserve_;
  AdminFront admin_;
};

}  // namespace sarai::instance
