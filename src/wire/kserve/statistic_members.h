// The durations among a model's statistics, with the names that they have in JSON.
#pragma once

#include <string_view>

#include "wire/kserve/management.h"

namespace sarai::kserve {

template <typename Owner>
struct NamedDuration {
  std::string_view name;
  StatisticDuration Owner::* member;
};

inline constexpr NamedDuration<ModelStatistics> kModelDurations[] = {
    {"success", &ModelStatistics::success},
    {"fail", &ModelStatistics::fail},
    {"queue", &ModelStatistics::queue},
    {"compute_input", &ModelStatistics::compute_input},
    {"compute_infer", &ModelStatistics::compute_infer},
    {"compute_output", &ModelStatistics::compute_output},
    {"cache_hit", &ModelStatistics::cache_hit},
    {"cache_miss", &ModelStatistics::cache_miss}};

inline constexpr NamedDuration<ResponseStatistics> kResponseDurations[] = {
    {"compute_infer", &ResponseStatistics::compute_infer},
    {"compute_output", &ResponseStatistics::compute_output},
    {"success", &ResponseStatistics::success},
    {"fail", &ResponseStatistics::fail},
    {"empty_response", &ResponseStatistics::empty_response},
    {"cancel", &ResponseStatistics::cancel}};

inline constexpr NamedDuration<BatchStatistics> kBatchDurations[] = {
    {"compute_input", &BatchStatistics::compute_input},
    {"compute_infer", &BatchStatistics::compute_infer},
    {"compute_output", &BatchStatistics::compute_output}};

}  // namespace sarai::kserve
