// Tables of what a request's members must be, and AWS's words for what is wrong with them. Pure.
//
//   constexpr MemberRule kRules[] = {
//       {"EndpointName", Need::kRequired, NameRule()},
//       {"ProductionVariants[].InitialVariantWeight", Need::kOptional, NumberRule(0, kNoMaximum)},
//   };
//
// A path with "[]" goes through all elements of a list, one with "." into an object. Members that
// no rule names are not looked at: newer clients may send more than is known here.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "wire/json/json.h"

namespace sarai::control {

enum class Need { kOptional, kRequired };

struct MemberCheck {
  enum class Kind { kAny, kText, kNumber, kList };
  Kind kind = Kind::kAny;
  // kText: length; kNumber: value; kList: elements.
  double min = 0;
  double max = 0;
  bool (*matches)(std::string_view) = nullptr;  // kText; null = any text
  const char* pattern = "";                     // what `matches` stands for, as AWS writes it
  std::span<const std::string_view> values;     // kText; empty = any text
};

struct MemberRule {
  const char* path;
  Need need;
  MemberCheck check;
};

inline constexpr double kNoMaximum = std::numeric_limits<double>::infinity();

constexpr MemberCheck AnyRule() { return {}; }
constexpr MemberCheck TextRule(double min, double max) {
  return {.kind = MemberCheck::Kind::kText, .min = min, .max = max};
}
constexpr MemberCheck NumberRule(double min, double max) {
  return {.kind = MemberCheck::Kind::kNumber, .min = min, .max = max};
}
constexpr MemberCheck ListRule(double min, double max) {
  return {.kind = MemberCheck::Kind::kList, .min = min, .max = max};
}
constexpr MemberCheck OneOfRule(std::span<const std::string_view> values) {
  return {.kind = MemberCheck::Kind::kText, .max = kNoMaximum, .values = values};
}
constexpr MemberCheck PatternRule(double min, double max, bool (*matches)(std::string_view),
                                  const char* pattern) {
  return {.kind = MemberCheck::Kind::kText,
          .min = min,
          .max = max,
          .matches = matches,
          .pattern = pattern};
}

// [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}: names of all SageMaker resources.
bool IsResourceName(std::string_view text);
bool HasNoSpace(std::string_view text);      // [\S]+
bool IsRoleArn(std::string_view text);       // arn:aws[a-z\-]*:iam::\d{12}:role/?[…]+
bool IsSageMakerArn(std::string_view text);  // arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+

constexpr MemberCheck NameRule() {
  return PatternRule(0, 63, IsResourceName, "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}");
}

// kInvalidArgument: "2 validation errors detected: Value '…' at '…' failed to satisfy constraint:
// Member must …; …". Members are named as AWS does: "productionVariants.1.member.variantName".
Status CheckMembers(const json::Object& body, std::span<const MemberRule> rules);

}  // namespace sarai::control
