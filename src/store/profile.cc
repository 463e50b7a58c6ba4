#include "store/profile.h"

#include "base/strings.h"
#include "store/files.h"

namespace sarai::store {
namespace {

constexpr uint64_t kMaxFileBytes = 1u << 20;
const std::string kNothing;

std::string_view SectionName(std::string_view header, bool config_file) {
  header = Trim(header);
  constexpr std::string_view kPrefix = "profile ";
  if (config_file && header.starts_with(kPrefix)) return Trim(header.substr(kPrefix.size()));
  if (config_file && header != "default") return {};  // sso-session, services: not profiles
  return header;
}

std::string_view WithoutComment(std::string_view value) {
  for (const std::string_view mark : {" #", " ;", "\t#", "\t;"}) {
    value = value.substr(0, value.find(mark));
  }
  return Trim(value);
}

std::string FilePath(const Environment& environment, std::string_view variable,
                     std::string_view name) {
  const std::string& named = Variable(environment, variable);
  const std::string& home = Variable(environment, "HOME");
  if (named.starts_with("~/")) return home + named.substr(1);
  if (!named.empty()) return named;
  return home.empty() ? std::string() : fmt::format("{}/.aws/{}", home, name);
}

Result<ProfileSections> ReadSections(const std::string& path, bool config_file) {
  if (path.empty()) return ProfileSections();
  const auto text = ReadFile(path, kMaxFileBytes);
  if (text) return ParseProfileSections(*text, config_file);
  if (text.error().code() == Code::kNotFound) return ProfileSections();
  return Error(text.error());
}

}  // namespace

const std::string& Variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? kNothing : found->second;
}

const std::string& Profile::value(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? kNothing : found->second;
}

ProfileSections ParseProfileSections(std::string_view text, bool config_file) {
  ProfileSections sections;
  std::string_view section;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') continue;
    if (trimmed.front() == '[') {
      section = SectionName(trimmed.substr(1, trimmed.find(']') - 1), config_file);
      if (!section.empty()) sections.try_emplace(std::string(section));
      continue;
    }
    const size_t equals = trimmed.find('=');
    const bool nested = line.front() == ' ' || line.front() == '\t';
    if (nested || section.empty() || equals == std::string_view::npos) continue;
    sections[std::string(section)][ToLower(Trim(trimmed.substr(0, equals)))] =
        WithoutComment(trimmed.substr(equals + 1));
  }
  return sections;
}

Result<Profile> LoadProfile(const Environment& environment) {
  const std::string& chosen = Variable(environment, "AWS_PROFILE");
  Profile profile{.name = chosen.empty() ? "default" : chosen};
  const std::string credentials_path =
      FilePath(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const std::string config_path = FilePath(environment, "AWS_CONFIG_FILE", "config");
  SARAI_TRY(const auto credentials, ReadSections(credentials_path, false));
  SARAI_TRY(const auto config, ReadSections(config_path, true));
  const auto secret = credentials.find(profile.name);
  const auto settings = config.find(profile.name);
  if (secret == credentials.end() && settings == config.end() && !chosen.empty()) {
    return Error(Code::kInvalidArgument,
                 "AWS_PROFILE names the profile '{}', which is neither in '{}' nor in '{}'", chosen,
                 credentials_path, config_path);
  }
  if (secret != credentials.end()) profile.values = secret->second;
  if (settings != config.end()) {
    profile.values.insert(settings->second.begin(), settings->second.end());
  }
  return profile;
}

}  // namespace sarai::store
