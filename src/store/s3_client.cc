#include "store/s3_client.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "store/sha256.h"
#include "wire/http/message.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::store {
namespace {

constexpr int kMaxDoublings = 20;

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

bool IsTransient(long status, std::string_view code) {
  if (status >= 500 && status != 501) return true;
  return status == 408 || status == 429 ||
         IsOneOf(code, {"RequestTimeout", "SlowDown", "Throttling", "RequestLimitExceeded"});
}

bool IsExpired(std::string_view code) {
  return IsOneOf(code, {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"});
}

// Codes that come with 403 and say that it is the credentials, not the object.
bool IsAboutCredentials(std::string_view code) {
  return IsExpired(code) || IsOneOf(code, {"InvalidAccessKeyId", "SignatureDoesNotMatch",
                                           "InvalidToken", "RequestTimeTooSkewed", "AccountProblem",
                                           "NotSignedUp", "XAdminNoSuchUser"});
}

// "403 SignatureDoesNotMatch: The request signature …"
std::string Answer(long status, const S3ErrorBody& body) {
  if (body.code.empty()) return fmt::format("{}", status);
  return fmt::format("{} {}: {}", status, body.code, body.message);
}

Status StatusOf(const std::string& url, long status, const S3ErrorBody& body) {
  const std::string answer = Answer(status, body);
  if (status == 404 && body.code == "NoSuchBucket") {
    return MakeStatus(Code::kNotFound, "there is no bucket for '{}' (S3 answered {})", url, answer);
  }
  if (status == 404) {
    return MakeStatus(Code::kNotFound, "there is no object '{}' (S3 answered {})", url, answer);
  }
  if (status == 403 && IsAboutCredentials(body.code)) {
    return MakeStatus(Code::kPermissionDenied,
                      "S3 does not accept the credentials for '{}' (it answered {})", url, answer);
  }
  if (status == 401 || status == 403) {
    return MakeStatus(
        Code::kNotFound,
        "'{}' is not there, or these credentials have no access to it (S3 answered {})", url,
        answer);
  }
  if (status == 412 || status == 416) {
    return MakeStatus(Code::kFailedPrecondition, "'{}' changed while it was read (S3 answered {})",
                      url, answer);
  }
  if (status >= 300 && status < 400) {
    return MakeStatus(Code::kFailedPrecondition,
                      "'{}' is in another region or behind another endpoint (S3 answered {})", url,
                      answer);
  }
  if (IsTransient(status, body.code)) {
    return MakeStatus(Code::kUnavailable, "S3 cannot give '{}' now: it answered {}", url, answer);
  }
  return MakeStatus(Code::kInvalidArgument, "S3 refuses the request for '{}': it answered {}", url,
                    answer);
}

}  // namespace

// What one Send remembers from attempt to attempt.
struct S3Client::Attempt {
  std::string region;
  Credentials credentials;
  bool moved = false;    // to the bucket's region
  bool renewed = false;  // the credentials
  bool again = false;    // at once, something was mended
  bool transient = false;
};

std::string S3Client::region() const {
  std::lock_guard lock(mu_);
  return region_;
}

Duration S3Client::Backoff(int failures) const {
  const Duration longest =
      std::min(options_.max_backoff,
               options_.first_backoff * (int64_t{1} << std::min(failures - 1, kMaxDoublings)));
  const double part = options_.random ? options_.random() : 1;
  return Duration(static_cast<int64_t>(static_cast<double>(longest.count()) * part));
}

Result<HttpCall> S3Client::MakeCall(const S3Call& call, const std::string& region,
                                    const Credentials& credentials) const {
  SARAI_TRY(const S3Address address,
            MakeS3Address(options_.endpoint, options_.addressing, region, options_.bucket));
  http::Request request{.method = call.method, .target = S3Path(address, call.key)};
  if (!call.query.empty()) request.target += '?' + S3QueryText(call.query);
  for (const auto& [name, value] : call.headers) request.headers.Add(name, value);
  sigv4::Sign(request, address.host, {.region = region, .service = "s3"},
              {.access_key_id = credentials.access_key_id,
               .secret_access_key = credentials.secret_access_key,
               .session_token = credentials.session_token},
              clock_.WallNow(), Sha256Hex(""));
  return HttpCall{.method = call.method,
                  .url = fmt::format("{}://{}{}", address.scheme, address.host, request.target),
                  .headers = request.headers.fields(),
                  .connect_timeout = options_.connect_timeout,
                  .stall_timeout = options_.stall_timeout,
                  .max_body_bytes = call.max_body_bytes};
}

std::expected<HttpReply, S3Failure> S3Client::Send(const S3Call& call, Cancellation& cancellation) {
  Attempt attempt;
  for (int failures = 0;;) {
    auto reply = SendOnce(call, attempt, cancellation);
    if (reply) return reply;
    if (attempt.again) continue;
    if (!attempt.transient || ++failures >= options_.max_attempts) return reply;
    LogDebug("store", "attempt {} of {}: {}", failures, options_.max_attempts,
             reply.error().status.message());
    if (!cancellation.Sleep(Backoff(failures))) return reply;
  }
}

std::expected<HttpReply, S3Failure> S3Client::SendOnce(const S3Call& call, Attempt& attempt,
                                                       const Cancellation& cancellation) {
  attempt.again = attempt.transient = false;
  auto credentials = credentials_.Get();
  if (!credentials) return std::unexpected(S3Failure{std::move(credentials).error()});
  attempt.credentials = std::move(*credentials);
  attempt.region = region();
  const auto http_call = MakeCall(call, attempt.region, attempt.credentials);
  if (!http_call) return std::unexpected(S3Failure{http_call.error()});
  auto reply = http_.Perform(*http_call, &cancellation);
  if (!reply) {
    Status failed = std::move(reply).error().WithContext(fmt::format("'{}'", Url(call.key)));
    attempt.transient =
        failed.code() == Code::kUnavailable || failed.code() == Code::kDeadlineExceeded;
    return std::unexpected(S3Failure{std::move(failed)});
  }
  if (reply->ok()) return std::move(*reply);
  const S3ErrorBody body = ParseS3Error(reply->body);
  attempt.again = Mend(*reply, body, attempt);
  attempt.transient = IsTransient(reply->status, body.code);
  return std::unexpected(
      S3Failure{StatusOf(Url(call.key), reply->status, body), reply->status, body.code});
}

bool S3Client::Mend(const HttpReply& reply, const S3ErrorBody& body, Attempt& attempt) {
  const std::string& header = reply.header("x-amz-bucket-region");
  const std::string& where = header.empty() ? body.region : header;
  const bool elsewhere =
      (reply.status >= 300 && reply.status < 400) || reply.status == 400 || reply.status == 403;
  if (elsewhere && !attempt.moved && !where.empty() && where != attempt.region) {
    std::lock_guard lock(mu_);
    region_ = where;
    return attempt.moved = true;
  }
  if (IsExpired(body.code) && !attempt.renewed) {
    credentials_.Forget(attempt.credentials);
    return attempt.renewed = true;
  }
  return false;
}

}  // namespace sarai::store
