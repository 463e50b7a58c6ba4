#include "net/internal/tls.h"

#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace sarai::net {
namespace {

namespace ssl = boost::asio::ssl;

// What a context refers to is kept beside it.
struct Kept {
  explicit Kept(ssl::context::method method) : context(method) {}
  std::string protocol;  // with its length in front, as on the wire
  ssl::context context;
};

TlsContextPtr ContextOf(std::shared_ptr<Kept> kept) {
  SSL_CTX_set_min_proto_version(kept->context.native_handle(), TLS1_2_VERSION);
  return {kept, &kept->context};
}

Status Unusable(const char* what, const std::string& file, ErrorCode error) {
  return MakeStatus(Code::kInvalidArgument, "cannot use {} '{}': {}", what, file, error.message());
}

Status UseCertificate(ssl::context& context, const std::string& certificate_file,
                      const std::string& key_file) {
  ErrorCode error;
  context.use_certificate_chain_file(certificate_file, error);
  if (error) return Unusable("the certificate", certificate_file, error);
  context.use_private_key_file(key_file, ssl::context::pem, error);
  if (error) return Unusable("the key", key_file, error);
  return {};
}

Status TrustAuthority(ssl::context& context, const std::string& file) {
  ErrorCode error;
  context.load_verify_file(file, error);
  return error ? Unusable("the authority", file, error) : Status();
}

// A client that offers only other protocols goes on without.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned int offered_size, void* kept) {
  const std::string& ours = static_cast<const Kept*>(kept)->protocol;
  unsigned char* selected = nullptr;
  const int result = SSL_select_next_proto(
      &selected, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned int>(ours.size()), offered, offered_size);
  *out = selected;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<TlsContextPtr> MakeTlsContext(const TlsOptions& options, std::string_view protocol) {
  if (!options.enabled()) return nullptr;
  const auto kept = std::make_shared<Kept>(ssl::context::tls_server);
  kept->protocol = static_cast<char>(protocol.size()) + std::string(protocol);
  const TlsContextPtr context = ContextOf(kept);
  SARAI_CHECK_OK(UseCertificate(*context, options.certificate_file, options.key_file));
  SSL_CTX_set_alpn_select_cb(context->native_handle(), SelectProtocol, kept.get());
  if (options.client_authority_file.empty()) return context;
  SARAI_CHECK_OK(TrustAuthority(*context, options.client_authority_file));
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  // A session that a client resumes must be one of this server.
  constexpr std::string_view kSessions = "sarai";
  SSL_CTX_set_session_id_context(context->native_handle(),
                                 reinterpret_cast<const unsigned char*>(kSessions.data()),
                                 kSessions.size());
  return context;
}

Result<TlsContextPtr> MakeTlsContext(const ClientTlsOptions& options) {
  const TlsContextPtr context = ContextOf(std::make_shared<Kept>(ssl::context::tls_client));
  if (!options.certificate_file.empty())
    SARAI_CHECK_OK(UseCertificate(*context, options.certificate_file, options.key_file));
  context->set_verify_mode(ssl::verify_peer);
  if (options.authority_file.empty()) {
    context->set_default_verify_paths();
  } else {
    SARAI_CHECK_OK(TrustAuthority(*context, options.authority_file));
  }
  return context;
}

struct TlsStream::Impl {
  Impl(tcp::socket& socket, TlsContextPtr made_by)
      : context(std::move(made_by)), stream(socket, *context) {}

  const TlsContextPtr context;
  ssl::stream<tcp::socket&> stream;
};

TlsStream::TlsStream(tcp::socket& socket, TlsContextPtr context)
    : impl_(std::make_unique<Impl>(socket, std::move(context))) {}
TlsStream::~TlsStream() = default;

void TlsStream::AsyncAccept(Done done) {
  impl_->stream.async_handshake(ssl::stream_base::server, std::move(done));
}

void TlsStream::AsyncConnect(const std::string& host, Done done) {
  ErrorCode no_address;
  asio::ip::make_address(host, no_address);
  if (no_address) SSL_set_tlsext_host_name(impl_->stream.native_handle(), host.c_str());
  impl_->stream.set_verify_callback(ssl::host_name_verification(host));
  impl_->stream.async_handshake(ssl::stream_base::client, std::move(done));
}

void TlsStream::AsyncRead(std::span<char> room, DoneBytes done) {
  impl_->stream.async_read_some(asio::buffer(room.data(), room.size()), std::move(done));
}

void TlsStream::AsyncWrite(std::span<const asio::const_buffer> bytes, DoneBytes done) {
  impl_->stream.async_write_some(bytes, std::move(done));
}

void TlsStream::AsyncShutdown(Done done) { impl_->stream.async_shutdown(std::move(done)); }

}  // namespace sarai::net
