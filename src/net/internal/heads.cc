#include "net/internal/heads.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <boost/beast/http/status.hpp>

#include "base/strings.h"

namespace sarai::net {
namespace {

constexpr std::string_view kOwned[] = {"content-length", "transfer-encoding", "connection",
                                       "keep-alive", "expect"};

bool IsOwned(std::string_view name) {
  return std::ranges::any_of(kOwned, [&](std::string_view owned) {
    return owned.size() == name.size() && EqualsIgnoreCase(owned, name);
  });
}

bool IsTokenChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenChar);
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// A value can not end its line: what would is sent as a space (no response splitting).
void AppendCallersField(std::string& out, std::string_view name, std::string_view value) {
  if (IsOwned(name) || !IsToken(name)) return;
  const size_t start = out.size() + name.size() + 2;
  AppendField(out, name, value);
  const auto breaks_line = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  std::replace_if(out.begin() + start, out.end() - 2, breaks_line, ' ');
}

void AppendNumber(std::string& out, uint64_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

void AppendLength(std::string& out, uint64_t bytes) {
  out.append("Content-Length: ");
  AppendNumber(out, bytes);
  out.append("\r\n");
}

void AppendStatusLine(std::string& out, int status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  out.append("HTTP/1.1 ");
  AppendNumber(out, static_cast<uint64_t>(std::clamp(status, 100, 999)));
  out.append(" ").append(reason.data(), reason.size()).append("\r\n");
}

void AppendConnection(std::string& out, const ResponseFraming& framing) {
  if (!framing.keep_alive) {
    AppendField(out, "Connection", "close");
  } else if (framing.request_version < 11) {
    AppendField(out, "Connection", "keep-alive");
  }
}

void AppendBodyFraming(std::string& out, const http::Response& response,
                       const ResponseFraming& framing) {
  if (!StatusHasBody(response.status) || framing.until_close) return;
  if (framing.chunked) {
    AppendField(out, "Transfer-Encoding", "chunked");
  } else {
    AppendLength(out, BodyBytes(response));
  }
}

bool WantsLength(const http::Request& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

// Visible characters only: no space and no line end.
bool IsTarget(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

}  // namespace

uint64_t BodyBytes(const http::Response& response) {
  uint64_t bytes = 0;
  for (const Blob& part : response.body) bytes += part.size();
  return bytes;
}

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

void AppendResponseHead(std::string& out, const http::Response& response,
                        const ResponseFraming& framing) {
  AppendStatusLine(out, response.status);
  bool has_server = false;
  bool has_date = false;
  for (const auto& [name, value] : response.headers.fields()) {
    has_server |= name.size() == 6 && EqualsIgnoreCase(name, "server");
    has_date |= name.size() == 4 && EqualsIgnoreCase(name, "date");
    AppendCallersField(out, name, value);
  }
  if (!has_server && !framing.server_name.empty()) AppendField(out, "Server", framing.server_name);
  if (!has_date) AppendField(out, "Date", framing.date);
  AppendBodyFraming(out, response, framing);
  AppendConnection(out, framing);
  out.append("\r\n");
}

void AppendChunkSize(std::string& out, uint64_t bytes) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes);
}

Status AppendRequestHead(std::string& out, const http::Request& request, std::string_view address) {
  if (!IsToken(request.method))
    return MakeStatus(Code::kInvalidArgument, "'{}' is no HTTP method", request.method);
  if (!IsTarget(request.target))
    return MakeStatus(Code::kInvalidArgument,
                      "'{}' is no request target: percent-encode spaces and control characters",
                      request.target);
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  if (!request.headers.Has("Host")) AppendField(out, "Host", address);
  for (const auto& [name, value] : request.headers.fields()) AppendCallersField(out, name, value);
  if (WantsLength(request)) AppendLength(out, request.body.size());
  out.append("\r\n");
  return {};
}

http::Response ErrorResponse(int status, std::string_view message) {
  std::string json = R"({"error":")";
  for (char c : message) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  json += R"("})";
  http::Response response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json");
  response.body.push_back(Blob::FromString(std::move(json)));
  return response;
}

}  // namespace sarai::net
