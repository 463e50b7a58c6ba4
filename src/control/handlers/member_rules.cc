#include "control/handlers/member_rules.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/strings.h"

namespace sarai::control {
namespace {

constexpr size_t kMaxErrors = 10;       // named in one message
constexpr size_t kMaxShownValue = 256;  // of a wrong value

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsLower(c) || IsDigit(c) || (c >= 'A' && c <= 'Z'); }

// Cuts `text` at the next ':'; false when there is none.
bool TakeField(std::string_view& text, std::string_view& field) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  field = text.substr(0, colon);
  text.remove_prefix(colon + 1);
  return true;
}

bool IsPartition(std::string_view text) {
  return text.starts_with("aws") &&
         std::ranges::all_of(text, [](char c) { return IsLower(c) || c == '-'; });
}

bool IsAccount(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, IsDigit);
}

// arn:PARTITION:SERVICE:REGION:ACCOUNT:REST
struct Arn {
  std::string_view service, region, account, rest;
};
bool ParseArn(std::string_view text, Arn& arn) {
  std::string_view scheme, partition;
  const bool whole = TakeField(text, scheme) && TakeField(text, partition) &&
                     TakeField(text, arn.service) && TakeField(text, arn.region) &&
                     TakeField(text, arn.account);
  arn.rest = text;
  return whole && scheme == "arn" && IsPartition(partition) && IsAccount(arn.account);
}

std::string CamelCase(std::string_view member) {
  std::string name(member);
  if (!name.empty()) name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return name;
}

std::string Shown(const json::Value& value) {
  std::string text = value.is_string() ? std::string(value.get_string()) : json::Serialize(value);
  if (text.size() > kMaxShownValue) text = text.substr(0, kMaxShownValue) + "…";
  return text;
}

std::string Bound(double bound) { return fmt::format("{}", bound); }

std::string RangeFault(const char* what, double value, double min, double max) {
  if (value < min) return fmt::format("{} greater than or equal to {}", what, Bound(min));
  if (value > max) return fmt::format("{} less than or equal to {}", what, Bound(max));
  return "";
}

// "" or "Member must …".
std::string TextFault(const MemberCheck& check, const json::Value& value) {
  if (!value.is_string()) return "Member must be a string";
  const std::string_view text = value.get_string();
  if (auto fault = RangeFault("Member must have length", static_cast<double>(text.size()),
                              check.min, check.max);
      !fault.empty())
    return fault;
  if (check.matches != nullptr && !check.matches(text))
    return fmt::format("Member must satisfy regular expression pattern: {}", check.pattern);
  if (check.values.empty() || std::ranges::find(check.values, text) != check.values.end())
    return "";
  std::vector<std::string> values(check.values.begin(), check.values.end());
  return fmt::format("Member must satisfy enum value set: [{}]", Join(values, ", "));
}

std::string FaultOf(const MemberCheck& check, const json::Value& value) {
  switch (check.kind) {
    case MemberCheck::Kind::kAny: return "";
    case MemberCheck::Kind::kText: return TextFault(check, value);
    case MemberCheck::Kind::kNumber:
      if (!value.is_number()) return "Member must be a number";
      return RangeFault("Member must have value", value.to_number<double>(), check.min, check.max);
    case MemberCheck::Kind::kList:
      if (!value.is_array()) return "Member must be a list";
      return RangeFault("Member must have length", static_cast<double>(value.get_array().size()),
                        check.min, check.max);
  }
  return "";
}

class Checker {
 public:
  void Check(const json::Value& object, std::string_view path, const std::string& at,
             const MemberRule& rule) {
    const json::Object* const members = object.if_object();
    if (members == nullptr) return Fault(object, at, "Member must be an object");
    const size_t end = path.find('.');
    std::string_view step = path.substr(0, end);
    const std::string_view rest = end == std::string_view::npos ? "" : path.substr(end + 1);
    const bool each = step.ends_with("[]");
    if (each) step.remove_suffix(2);
    const std::string here = at.empty() ? CamelCase(step) : at + "." + CamelCase(step);
    const json::Value* const value = members->if_contains(step);
    if (value == nullptr || value->is_null()) {
      if (rest.empty() && !each && rule.need == Need::kRequired)
        Fault(json::Value(), here, "Member must not be null");
      return;
    }
    if (each) return CheckEach(*value, rest, here, rule);
    if (!rest.empty()) return Check(*value, rest, here, rule);
    if (auto fault = FaultOf(rule.check, *value); !fault.empty()) Fault(*value, here, fault);
  }

  Status result() && {
    if (faults_.empty()) return {};
    const size_t count = faults_.size();
    faults_.resize(std::min(count, kMaxErrors));
    return MakeStatus(Code::kInvalidArgument, "{} validation error{} detected: {}", count,
                      count == 1 ? "" : "s", Join(faults_, "; "));
  }

 private:
  void CheckEach(const json::Value& list, std::string_view rest, const std::string& at,
                 const MemberRule& rule) {
    const json::Array* const elements = list.if_array();
    if (elements == nullptr) return Fault(list, at, "Member must be a list");
    int number = 0;
    for (const json::Value& element : *elements) {
      const std::string here = fmt::format("{}.{}.member", at, ++number);
      if (!rest.empty()) {
        Check(element, rest, here, rule);
      } else if (auto fault = FaultOf(rule.check, element); !fault.empty()) {
        Fault(element, here, fault);
      }
    }
  }

  void Fault(const json::Value& value, const std::string& at, std::string_view what) {
    const std::string shown = value.is_null() ? "null" : fmt::format("'{}'", Shown(value));
    std::string fault = fmt::format("Value {} at '{}' failed to satisfy constraint: {}",
                                    value.is_null() ? "null" : shown, at, what);
    if (std::ranges::find(faults_, fault) == faults_.end()) faults_.push_back(std::move(fault));
  }

  std::vector<std::string> faults_;
};

}  // namespace

bool IsResourceName(std::string_view text) {
  return !text.empty() && IsAlphanumeric(text.front()) && IsAlphanumeric(text.back()) &&
         std::ranges::all_of(text, [](char c) { return IsAlphanumeric(c) || c == '-'; });
}

bool HasNoSpace(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](unsigned char c) { return c <= ' '; });
}

bool IsRoleArn(std::string_view text) {
  constexpr std::string_view kRole = "role";
  constexpr std::string_view kPunctuation = "_+=,.@-/";
  Arn arn;
  if (!ParseArn(text, arn) || arn.service != "iam" || !arn.region.empty()) return false;
  return arn.rest.starts_with(kRole) && arn.rest.size() > kRole.size() &&
         std::ranges::all_of(arn.rest.substr(kRole.size()), [&](char c) {
           return IsAlphanumeric(c) || kPunctuation.find(c) != std::string_view::npos;
         });
}

bool IsSageMakerArn(std::string_view text) {
  Arn arn;
  return ParseArn(text, arn) && arn.service == "sagemaker" && !arn.rest.empty() &&
         std::ranges::all_of(arn.region,
                             [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
}

Status CheckMembers(const json::Object& body, std::span<const MemberRule> rules) {
  Checker checker;
  const json::Value whole(body);
  for (const MemberRule& rule : rules) checker.Check(whole, rule.path, "", rule);
  return std::move(checker).result();
}

}  // namespace sarai::control
