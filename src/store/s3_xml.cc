#include "store/s3_xml.h"

#include <pugixml.hpp>

#include "base/strings.h"

namespace sarai::store {
namespace {

constexpr unsigned kParseFlags = pugi::parse_default | pugi::parse_ws_pcdata_single;

bool Load(pugi::xml_document& document, std::string_view xml) {
  return static_cast<bool>(document.load_buffer(xml.data(), xml.size(), kParseFlags));
}

std::string Text(const pugi::xml_node& node, const char* child) {
  return node.child(child).text().get();
}

}  // namespace

Result<ListPage> ParseListPage(std::string_view xml) {
  pugi::xml_document document;
  const bool parsed = Load(document, xml);
  const pugi::xml_node root = document.child("ListBucketResult");
  if (!parsed || !root) {
    return Error(Code::kUnavailable, "the answer to a listing is no ListBucketResult");
  }
  ListPage page;
  for (const pugi::xml_node& item : root.children("Contents")) {
    const auto size = ParseInt(Text(item, "Size"));
    if (!size || *size < 0 || !item.child("Key")) {
      return Error(Code::kUnavailable, "a listing has an entry without a key or a size");
    }
    page.objects.push_back({.key = Text(item, "Key"),
                            .etag = Text(item, "ETag"),
                            .size = static_cast<uint64_t>(*size)});
  }
  for (const pugi::xml_node& item : root.children("CommonPrefixes")) {
    page.prefixes.push_back(Text(item, "Prefix"));
  }
  if (Text(root, "IsTruncated") != "true") return page;
  page.continuation = Text(root, "NextContinuationToken");
  if (page.continuation.empty()) {
    return Error(Code::kUnavailable, "a listing goes on but does not say where");
  }
  return page;
}

S3ErrorBody ParseS3Error(std::string_view xml) {
  pugi::xml_document document;
  if (!Load(document, xml)) return {};
  pugi::xml_node root = document.child("Error");
  if (!root) root = document.child("ErrorResponse").child("Error");  // as STS has it
  return {
      .code = Text(root, "Code"), .message = Text(root, "Message"), .region = Text(root, "Region")};
}

Result<StsCredentials> ParseStsCredentials(std::string_view xml) {
  pugi::xml_document document;
  const bool parsed = Load(document, xml);
  const pugi::xml_node node = document.child("AssumeRoleWithWebIdentityResponse")
                                  .child("AssumeRoleWithWebIdentityResult")
                                  .child("Credentials");
  if (!parsed || !node) return Error(Code::kUnavailable, "STS answered without credentials");
  return StsCredentials{.access_key_id = Text(node, "AccessKeyId"),
                        .secret_access_key = Text(node, "SecretAccessKey"),
                        .session_token = Text(node, "SessionToken"),
                        .expiration = Text(node, "Expiration")};
}

}  // namespace sarai::store
