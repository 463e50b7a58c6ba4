// One profile of the shared AWS files: ~/.aws/credentials and ~/.aws/config.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "store/open_store.h"

namespace sarai::store {

// "" when it is not set.
const std::string& Variable(const Environment& environment, std::string_view name);

struct Profile {
  std::string name;
  std::map<std::string, std::string, std::less<>> values;  // lower-case keys

  const std::string& value(std::string_view key) const;  // "" when absent
};

// The sections of an AWS file by name ("profile x" counts as "x" in a config file). Keys are in
// lower case; lines that belong to a nested block are left out.
using ProfileSections =
    std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;
ProfileSections ParseProfileSections(std::string_view text, bool config_file);

// The profile that AWS_PROFILE names ("default" without), read from the files that
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name; the credentials file wins. Files that are
// missing are empty. Error: kInvalidArgument when AWS_PROFILE names a profile that is nowhere.
Result<Profile> LoadProfile(const Environment& environment);

}  // namespace sarai::store
