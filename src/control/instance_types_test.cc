#include "control/instance_types.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace sarai::control {
namespace {

TEST(InstanceTypes, GpuTypesCountTheMemoryOfTheirGpus) {
  EXPECT_EQ(BudgetOf("ml.g4dn.4xlarge").memory_bytes, 16 * kGiB);
  EXPECT_EQ(BudgetOf("ml.g4dn.4xlarge").disk_bytes, 225'000'000'000u);
  EXPECT_EQ(BudgetOf("ml.g5.12xlarge").memory_bytes, 96 * kGiB);
  EXPECT_EQ(BudgetOf("ml.p3.2xlarge").disk_bytes, 100 * kGiB) << "it has no disk of its own";
}

TEST(InstanceTypes, CpuTypesCountTheHostsMemory) {
  EXPECT_EQ(BudgetOf("ml.c5.large").memory_bytes, 4 * kGiB);
  EXPECT_EQ(BudgetOf("ml.c4.xlarge").memory_bytes, 7 * kGiB + 512 * kMiB);
  EXPECT_EQ(BudgetOf("ml.m5.24xlarge").memory_bytes, 384 * kGiB);
  EXPECT_EQ(BudgetOf("ml.r6i.2xlarge").memory_bytes, 64 * kGiB);
  EXPECT_EQ(BudgetOf("ml.t2.medium").memory_bytes, 4 * kGiB);
}

TEST(InstanceTypes, UnknownTypesGetABudgetAllTheSame) {
  for (const char* const type : {"", "ml.", "ml.z9", "ml.z9.huge", "m5.large", "ml.c5.0xlarge",
                                 "ml.c5.99999999999999999999xlarge", "local"})
    EXPECT_EQ(BudgetOf(type).memory_bytes, 16 * kGiB) << type;
}

}  // namespace
}  // namespace sarai::control
