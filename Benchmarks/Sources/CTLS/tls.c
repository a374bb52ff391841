#include "CTLS.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

tls_context *tls_context_new(const char *certificate, const char *key) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) return NULL;
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
      // The order of AWS's own servers, by s2n's policies: AES of 128 bits comes first.
      SSL_CTX_set_ciphersuites(
          context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1) {
    SSL_CTX_free(context);
    return NULL;
  }
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return (tls_context *)context;
}

tls_session *tls_session_new(tls_context *context, int socket) {
  SSL *session = SSL_new((SSL_CTX *)context);
  if (session == NULL) return NULL;
  SSL_set_fd(session, socket);
  SSL_set_accept_state(session);
  return (tls_session *)session;
}

void tls_session_free(tls_session *session) { SSL_free((SSL *)session); }

static ptrdiff_t outcome(SSL *session, int result) {
  if (result > 0) return result;
  int error = SSL_get_error(session, result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? TLS_AGAIN : TLS_OVER;
}

ptrdiff_t tls_read(tls_session *session, void *bytes, size_t count) {
  return outcome((SSL *)session, SSL_read((SSL *)session, bytes, count > 1 << 30 ? 1 << 30 : (int)count));
}

ptrdiff_t tls_write(tls_session *session, const void *bytes, size_t count) {
  return outcome((SSL *)session, SSL_write((SSL *)session, bytes, count > 1 << 30 ? 1 << 30 : (int)count));
}
