#include "instance/residency_feed.h"

#include <algorithm>
#include <utility>

namespace sarai::instance {

ResidencyFeed::ResidencyFeed(Options options, Executor& strand, const Clock& clock,
                             std::function<std::vector<ModelResidency>()> collect)
    : options_(options), strand_(strand), clock_(clock), collect_(std::move(collect)) {
  latest_ = std::make_shared<const ResidencySnapshot>(ResidencySnapshot{.version = 1});
}

void ResidencyFeed::Touch() {
  if (scheduled_) return;
  scheduled_ = true;
  const TimePoint due = std::max(clock_.Now(), published_at_ + options_.interval);
  strand_.PostAt(due, [this] {
    if (scheduled_) Publish();
  });
}

void ResidencyFeed::Publish() {
  scheduled_ = false;
  published_at_ = clock_.Now();
  latest_ = std::make_shared<const ResidencySnapshot>(
      ResidencySnapshot{.version = latest_->version + 1, .models = collect_()});
  for (Watcher& watcher : std::exchange(watchers_, {})) watcher.answer(latest_);
}

void ResidencyFeed::Watch(uint64_t since, Duration wait, ResidencyCallback answer) {
  if (scheduled_ && wait <= Duration::zero()) Publish();  // who only asks gets what is true now
  const bool news = stopped_ || since != latest_->version;
  if (news || wait <= Duration::zero() || watchers_.size() >= options_.max_watchers)
    return answer(latest_);
  const uint64_t id = next_watcher_++;
  watchers_.push_back({id, std::move(answer)});
  strand_.PostAt(clock_.Now() + wait, [this, id] { EndWait(id); });
}

void ResidencyFeed::EndWait(uint64_t id) {
  const auto it = std::find_if(watchers_.begin(), watchers_.end(),
                               [id](const Watcher& watcher) { return watcher.id == id; });
  if (it == watchers_.end()) return;
  ResidencyCallback answer = std::move(it->answer);
  watchers_.erase(it);
  answer(latest_);
}

void ResidencyFeed::Stop() {
  stopped_ = true;
  for (Watcher& watcher : std::exchange(watchers_, {})) watcher.answer(latest_);
}

}  // namespace sarai::instance
