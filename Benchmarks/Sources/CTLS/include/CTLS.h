// A TLS server's side of a connection, over OpenSSL: what the stand-in needs and no more. Sockets are non-blocking.
#pragma once

#include <stddef.h>

typedef struct tls_context tls_context;
typedef struct tls_session tls_session;

enum { TLS_AGAIN = -1, TLS_OVER = 0 };

/// A certificate and its key, PEM files; NULL if they cannot be used. Lives as long as the process.
tls_context *tls_context_new(const char *certificate, const char *key);

/// Takes no ownership of the socket.
tls_session *tls_session_new(tls_context *context, int socket);
void tls_session_free(tls_session *session);

/// The bytes read or written, at most 16 KiB a call when reading, or one of the values above.
ptrdiff_t tls_read(tls_session *session, void *bytes, size_t count);
ptrdiff_t tls_write(tls_session *session, const void *bytes, size_t count);
