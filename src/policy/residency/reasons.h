// The sentences and numbers that explain what residency decides.
#pragma once

#include "policy/residency/books.h"
#include "policy/residency/victims.h"
#include "types/decision.h"

namespace sarai::policy::residency {

// What made somebody else's bytes necessary.
struct Shortage {
  const Model* for_model = nullptr;  // null: the tier itself is over its budget
  Bytes need = 0;                    // of that model, or what the tier is over by
  Bytes free = 0;                    // when it was decided
  size_t candidates = 0;             // how many could have been evicted
};

std::string BytesText(Bytes bytes);  // "1.5 MiB", "-1.5 MiB", "unbounded"

Decision WhyFetch(const Model& model, const Books& books);
Decision WhyLoad(const Model& model, const Books& books);
Decision WhyEvict(const Candidate& victim, const Shortage& shortage);
Decision WhyDelete(const Candidate& victim, const Shortage& shortage);
Decision WhyUnload(const Model& model, std::string_view why);
Decision WhyReclaim(const Model& model);  // its files, after its retirement
Decision WhyAdmit(const Model& model, uint32_t count);
Decision WhyFail(const Model& model, uint32_t count, const Status& status);

// What a wait that ended too late was for.
Status WaitEnded(const Model& model, const Books& books, Duration wait_budget, TimePoint now);
}  // namespace sarai::policy::residency
