// Figures: AWS's pages of EC2 instance types (GPU memory, instance storage, memory per vCPU).
#include "control/instance_types.h"

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/strings.h"

namespace sarai::control {
namespace {

constexpr uint64_t kGB = 1'000'000'000;
constexpr uint64_t kDefaultDiskBytes = 100 * kGiB;  // an EBS volume
constexpr InstanceBudget kDefaultBudget = {16 * kGiB, kDefaultDiskBytes};

struct GpuType {
  std::string_view name;
  uint64_t gpu_gib;  // all GPUs together
  uint64_t disk_gb;  // instance storage; 0 = none
};

constexpr auto kGpuTypes = std::to_array<GpuType>({
    {"g4dn.xlarge", 16, 125},    {"g4dn.2xlarge", 16, 225},    {"g4dn.4xlarge", 16, 225},
    {"g4dn.8xlarge", 16, 900},   {"g4dn.12xlarge", 64, 900},   {"g4dn.16xlarge", 16, 900},
    {"g5.xlarge", 24, 250},      {"g5.2xlarge", 24, 450},      {"g5.4xlarge", 24, 600},
    {"g5.8xlarge", 24, 900},     {"g5.12xlarge", 96, 3800},    {"g5.16xlarge", 24, 1900},
    {"g5.24xlarge", 96, 3800},   {"g5.48xlarge", 192, 7600},   {"g6.xlarge", 24, 250},
    {"g6.2xlarge", 24, 450},     {"g6.4xlarge", 24, 600},      {"g6.8xlarge", 24, 900},
    {"g6.12xlarge", 96, 3760},   {"g6.16xlarge", 24, 1880},    {"g6.24xlarge", 96, 3760},
    {"g6.48xlarge", 192, 7520},  {"g6e.xlarge", 48, 250},      {"g6e.2xlarge", 48, 450},
    {"g6e.4xlarge", 48, 600},    {"g6e.8xlarge", 48, 900},     {"g6e.12xlarge", 192, 3800},
    {"g6e.16xlarge", 48, 1900},  {"g6e.24xlarge", 192, 3800},  {"g6e.48xlarge", 384, 7600},
    {"p2.xlarge", 12, 0},        {"p2.8xlarge", 96, 0},        {"p2.16xlarge", 192, 0},
    {"p3.2xlarge", 16, 0},       {"p3.8xlarge", 64, 0},        {"p3.16xlarge", 128, 0},
    {"p4d.24xlarge", 320, 8000}, {"p4de.24xlarge", 640, 8000}, {"p5.48xlarge", 640, 30400},
});

struct CpuFamily {
  std::string_view name;
  double gib_per_vcpu;
};

constexpr auto kCpuFamilies = std::to_array<CpuFamily>({
    {"c4", 1.875}, {"c5", 2},   {"c5d", 2}, {"c6i", 2},  {"c6id", 2}, {"c6g", 2},
    {"c6gd", 2},   {"c6gn", 2}, {"c7g", 2}, {"c7i", 2},  {"c8g", 2},  {"m4", 4},
    {"m5", 4},     {"m5d", 4},  {"m6i", 4}, {"m6id", 4}, {"m6g", 4},  {"m6gd", 4},
    {"m7i", 4},    {"m8g", 4},  {"r5", 8},  {"r5d", 8},  {"r6i", 8},  {"r6id", 8},
    {"r6g", 8},    {"r6gd", 8}, {"r7i", 8}, {"r7gd", 8}, {"r8g", 8},
});

constexpr std::array<std::pair<std::string_view, uint64_t>, 4> kBurstableGib = {
    {{"medium", 4}, {"large", 8}, {"xlarge", 16}, {"2xlarge", 32}}};

// "large" 2, "xlarge" 4, "Nxlarge" 4 N.
std::optional<int64_t> VcpusOf(std::string_view size) {
  if (size == "large") return 2;
  if (size == "xlarge") return 4;
  if (!size.ends_with("xlarge")) return std::nullopt;
  const auto factor = ParseInt(size.substr(0, size.size() - std::string_view("xlarge").size()));
  if (!factor || *factor < 1 || *factor > 64) return std::nullopt;
  return 4 * *factor;
}

std::optional<InstanceBudget> GpuBudget(std::string_view type) {
  for (const GpuType& gpu : kGpuTypes)
    if (gpu.name == type)
      return InstanceBudget{gpu.gpu_gib * kGiB,
                            gpu.disk_gb == 0 ? kDefaultDiskBytes : gpu.disk_gb * kGB};
  return std::nullopt;
}

std::optional<InstanceBudget> CpuBudget(std::string_view family, std::string_view size) {
  if (family == "t2" || family == "t3")
    for (const auto& [name, gib] : kBurstableGib)
      if (name == size) return InstanceBudget{gib * kGiB, kDefaultDiskBytes};
  const auto vcpus = VcpusOf(size);
  if (!vcpus) return std::nullopt;
  for (const CpuFamily& cpu : kCpuFamilies)
    if (cpu.name == family)
      return InstanceBudget{
          static_cast<uint64_t>(cpu.gib_per_vcpu * static_cast<double>(*vcpus) * kGiB),
          kDefaultDiskBytes};
  return std::nullopt;
}

}  // namespace

InstanceBudget BudgetOf(std::string_view instance_type) {
  if (!instance_type.starts_with("ml.")) return kDefaultBudget;
  const std::string_view type = instance_type.substr(3);
  if (const auto budget = GpuBudget(type)) return *budget;
  const size_t dot = type.find('.');
  if (dot == std::string_view::npos) return kDefaultBudget;
  return CpuBudget(type.substr(0, dot), type.substr(dot + 1)).value_or(kDefaultBudget);
}

}  // namespace sarai::control
