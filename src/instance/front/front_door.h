// All of an instance's HTTP: picks the front by the path's first segment.
//
// Threads: any. Owned by the instance; requests may still be answered after it is gone.
#pragma once

#include "base/executor.h"
#include "instance/front/admin_front.h"
#include "instance/front/http_restrictions.h"
#include "instance/front/kserve_front.h"
#include "instance/front/mme_front.h"
#include "instance/front/settings_front.h"
#include "instance/observability.h"
#include "instance/triton_metrics.h"
#include "wire/http/message.h"

namespace sarai::instance {

class FrontDoor {
 public:
  // The references outlive it.
  FrontDoor(ModelManager& manager, std::shared_ptr<InstanceMetrics> metrics,
            TritonMetrics& triton_metrics, const Observability& observability,
            ServerSettings& settings, SharedMemory& memory, MmeFrontOptions mme,
            KserveFrontOptions kserve, AdminFrontParts admin, HttpRestrictions restrictions)
      : manager_(manager),
        metrics_(std::move(metrics)),
        triton_metrics_(triton_metrics),
        observability_(observability),
        settings_(settings),
        mme_(manager, memory, std::move(mme)),
        kserve_(manager, memory, std::move(kserve)),
        admin_(std::move(admin)),
        restrictions_(std::move(restrictions)) {}

  void Handle(http::Request request, http::Responder respond);
  // The metrics port: GET /metrics and nothing else.
  void HandleMetrics(http::Request request, http::Responder respond);

 private:
  void Metrics(bool openmetrics, http::Responder respond);
  http::Response MetricsReply(const Totals& totals, bool openmetrics);

  ModelManager& manager_;
  const std::shared_ptr<InstanceMetrics> metrics_;
  TritonMetrics& triton_metrics_;
  const Observability& observability_;
  SettingsFront settings_;
  MmeFront mme_;
  KserveFront kserve_;
  AdminFront admin_;
  const HttpRestrictions restrictions_;
  ThreadPool writer_{"metrics", 1};  // of metrics: many models make a long text
};

}  // namespace sarai::instance
