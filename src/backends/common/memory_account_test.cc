#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

#include "backends/common/counted_memory.h"
#include "backends/common/memory_account.h"

namespace sarai::backends {
namespace {

TEST(MemoryAccount, BooksBlocksWhileTheyLive) {
  const auto account = std::make_shared<MemoryAccount>();
  const ScopedAccount scope(account, Phase::kRun);
  void* block = CountedAllocate(1000);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(account->bytes(), 1000u);
  EXPECT_LE(account->bytes(), 1200u);
  CountedFree(block);
  EXPECT_EQ(account->bytes(), 0u);
}

TEST(MemoryAccount, TakesABlockOffItsOwnAccountFromAnyThreadAndScope) {
  const auto owner = std::make_shared<MemoryAccount>();
  const auto other = std::make_shared<MemoryAccount>();
  void* block = nullptr;
  {
    const ScopedAccount scope(owner, Phase::kLoad);
    block = CountedAllocate(1 << 20);
  }
  EXPECT_GE(owner->bytes(), 1u << 20);
  std::thread([&] {
    const ScopedAccount scope(other, Phase::kRun);
    CountedFree(block);
  }).join();
  EXPECT_EQ(owner->bytes(), 0u);
  EXPECT_EQ(other->bytes(), 0u);
}

TEST(MemoryAccount, OutlivesItsModelWhileABlockIsLeft) {
  auto account = std::make_shared<MemoryAccount>();
  void* block = nullptr;
  {
    const ScopedAccount scope(account, Phase::kRun);
    block = CountedAllocate(100);
  }
  const std::weak_ptr<MemoryAccount> seen = account;
  account.reset();
  EXPECT_FALSE(seen.expired());
  CountedFree(block);
  EXPECT_TRUE(seen.expired());
}

TEST(MemoryAccount, GivesTheOuterScopeBack) {
  const auto outer = std::make_shared<MemoryAccount>();
  const ScopedAccount scope(outer, Phase::kRun);
  {
    const ScopedAccount inner(nullptr, Phase::kLoad);
  }
  ASSERT_NE(ScopedAccount::Current(), nullptr);
  EXPECT_EQ(ScopedAccount::Current()->account(), outer);
}

TEST(MemoryAccount, BooksNothingOutsideOfScopes) {
  EXPECT_EQ(ScopedAccount::Current(), nullptr);
  void* block = CountedAllocate(10);
  std::memset(block, 1, 10);
  CountedFree(block);
}

TEST(CountedMemory, AlignsSmallAndLargeBlocksOfBothPhases) {
  for (const Phase phase : {Phase::kLoad, Phase::kRun}) {
    const ScopedAccount scope(std::make_shared<MemoryAccount>(), phase);
    for (const size_t bytes :
         {size_t{0}, size_t{1}, size_t{63}, kMappedBytesMin, size_t{5} << 20}) {
      void* block = CountedAllocate(bytes);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % kCountedAlignment, 0u);
      std::memset(block, 0x5a, bytes);
      CountedFree(block);
    }
  }
}

TEST(CountedMemory, CountsRefusals) {
  const ScopedAccount scope(std::make_shared<MemoryAccount>(), Phase::kLoad);
  EXPECT_FALSE(scope.ran_out_of_memory());
  EXPECT_EQ(CountedAllocate(SIZE_MAX - 10), nullptr);
  EXPECT_EQ(CountedAllocate(size_t{1} << 60), nullptr);
  EXPECT_TRUE(scope.ran_out_of_memory());
  EXPECT_EQ(scope.account()->bytes(), 0u);
}

}  // namespace
}  // namespace sarai::backends
