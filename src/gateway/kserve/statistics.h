// What several instances count of their models, as one server would tell it.
#pragma once

#include <string>
#include <vector>

#include "wire/http/message.h"
#include "wire/kserve/management.h"

namespace sarai::gateway {

// The question about a model, or about all: an empty name; an empty version stands for all.
http::Request StatisticsQuestion(const std::string& model, const std::string& version);

// One entry for each model and version, by name and version: counts are sums, the last inference is
// the latest. Answers that cannot be read are left out.
std::vector<kserve::ModelStatistics> SumStatistics(const std::vector<http::Response>& answers);

}  // namespace sarai::gateway
