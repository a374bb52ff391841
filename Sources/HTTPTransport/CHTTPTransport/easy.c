#include "CHTTPTransport.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

static size_t on_head(char *bytes, size_t size, size_t count, void *data) {
  ht_easy *easy = data;
  ht_taken taken = easy->callbacks->head(easy->context, (const uint8_t *)bytes, size * count);
  return taken == HT_TAKEN ? size * count : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data) {
  ht_easy *easy = data;
  switch (easy->callbacks->body(easy->context, (const uint8_t *)bytes, size * count)) {
    case HT_TAKEN: return size * count;
    case HT_PAUSE: return CURL_WRITEFUNC_PAUSE;
    default: return size * count + 1;  // any other count stops the transfer, also when there was nothing to take
  }
}

static size_t on_read(char *bytes, size_t size, size_t count, void *data) {
  ht_easy *easy = data;
  size_t room = size * count;
  if (room > easy->upload_share) room = easy->upload_share;
  ptrdiff_t n = easy->callbacks->read(easy->context, (uint8_t *)bytes, ht_bulk_share(easy, room));
  if (n > 0) easy->bulk_left -= n;
  if (n == HT_READ_PAUSE) return CURL_READFUNC_PAUSE;
  return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static int on_seek(void *data, curl_off_t offset, int origin) {
  ht_easy *easy = data;
  if (origin != SEEK_SET || offset != 0) return CURL_SEEKFUNC_FAIL;
  easy->bulk_left = easy->bulk_length;
  return easy->callbacks->rewind(easy->context) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  ht_easy *easy = data;
  bool permitted = false;
  if (purpose == CURLSOCKTYPE_IPCXN && address->family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, &address->addr, sizeof in);
    permitted = easy->callbacks->permits(easy->context, (const uint8_t *)&in.sin_addr, 4, ntohs(in.sin_port));
  } else if (purpose == CURLSOCKTYPE_IPCXN && address->family == AF_INET6) {
    // `addr` is declared too small for this one, but what libcurl passes has room for any address.
    struct sockaddr_in6 in6;
    memcpy(&in6, (const char *)address + offsetof(struct curl_sockaddr, addr), sizeof in6);
    permitted = easy->callbacks->permits(easy->context, (const uint8_t *)&in6.sin6_addr, 16, ntohs(in6.sin6_port));
  }
  if (!permitted) return CURL_SOCKET_BAD;
#ifdef SOCK_CLOEXEC
  curl_socket_t opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
  curl_socket_t opened = socket(address->family, address->socktype, address->protocol);
#endif
  if (opened != CURL_SOCKET_BAD) ht_sockets_add(easy->multi, opened);
  return opened;
}

static int on_prerequest(void *data, char *remote, char *local, int remote_port, int local_port) {
  (void)local;
  ht_easy *easy = data;
  easy->times_sent++;
  uint8_t address[16];
  size_t count = 0;
  if (remote && inet_pton(AF_INET, remote, address) == 1) {
    count = 4;
  } else if (remote && inet_pton(AF_INET6, remote, address) == 1) {
    count = 16;
  }
  bool goes = easy->callbacks->sends(easy->context, address, count, (uint16_t)remote_port, remote ? remote : "");
  if (!goes) return CURL_PREREQFUNC_ABORT;
  ht_bulk_begin(easy, address, count, (uint16_t)remote_port, (uint16_t)local_port);
  return CURL_PREREQFUNC_OK;
}

// Each option's type is checked by libcurl's own macros; the first refusal ends the set-up.
#define SET(option, value)                                            \
  do {                                                                \
    if (curl_easy_setopt(curl, option, value) != CURLE_OK) return false; \
  } while (0)

// What holds for every exchange of a handle is set once: all of it again would be a twentieth of a small exchange.
static bool set_settings(ht_easy *easy, const ht_settings *settings) {
  CURL *curl = easy->curl;
  SET(CURLOPT_ERRORBUFFER, easy->error);
  SET(CURLOPT_PRIVATE, easy);
  SET(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_HTTP09_ALLOWED, 0L);
  SET(CURLOPT_HTTP_VERSION, (long)(settings->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  SET(CURLOPT_BUFFERSIZE, 65536L);
  SET(CURLOPT_HEADERFUNCTION, on_head);
  SET(CURLOPT_HEADERDATA, easy);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, easy);
  SET(CURLOPT_READFUNCTION, on_read);
  SET(CURLOPT_READDATA, easy);
  SET(CURLOPT_SEEKFUNCTION, on_seek);
  SET(CURLOPT_SEEKDATA, easy);
  SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  SET(CURLOPT_OPENSOCKETDATA, easy);
  SET(CURLOPT_PREREQFUNCTION, on_prerequest);
  SET(CURLOPT_PREREQDATA, easy);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SET(CURLOPT_MAXAGE_CONN, settings->idle_seconds);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_TCP_KEEPIDLE, 60L);
  SET(CURLOPT_TCP_KEEPINTVL, 30L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  if (settings->ca_file) {
    SET(CURLOPT_CAINFO, settings->ca_file);
    SET(CURLOPT_CAPATH, NULL);
  }
#if LIBCURL_VERSION_NUM >= 0x075700
  // Leaving while a name is being resolved must not wait for the resolver. Older ones wait.
  SET(CURLOPT_QUICK_EXIT, 1L);
#endif
  return true;
}

ht_easy *ht_easy_new(const ht_callbacks *callbacks, const ht_settings *settings) {
  ht_easy *easy = calloc(1, sizeof *easy);
  if (!easy) return NULL;
  easy->curl = curl_easy_init();
  easy->callbacks = callbacks;
  easy->bulk_socket = CURL_SOCKET_BAD;
  if (easy->curl && set_settings(easy, settings)) return easy;
  ht_easy_free(easy);
  return NULL;
}

bool ht_easy_renew(ht_easy *easy, const ht_settings *settings) {
  curl_easy_reset(easy->curl);
  easy->multi = NULL;
  return set_settings(easy, settings);
}

bool ht_easy_reset(ht_easy *easy) {
  CURL *curl = easy->curl;
  // libcurl counts its own retries over all exchanges of a handle, and refuses more than five.
  bool is_as_new = easy->is_complete && easy->times_sent == 1;
  easy->is_complete = false;
  easy->times_sent = 0;
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);  // and lets go of the copy
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
  curl_easy_setopt(curl, CURLOPT_RESOLVE, NULL);
  free(easy->headers);
  curl_slist_free_all(easy->resolution);
  easy->headers = easy->resolution = NULL;
  easy->context = NULL;
  easy->error[0] = 0;
  return is_as_new;
}

void ht_easy_free(ht_easy *easy) {
  if (!easy) return;
  curl_easy_cleanup(easy->curl);
  free(easy->headers);
  curl_slist_free_all(easy->resolution);
  free(easy);
}

// The list as libcurl wants it, in one piece: the nodes, and behind them the lines.
static bool set_headers(ht_easy *easy, const ht_request *request) {
  size_t count = 0;
  for (size_t i = 0; i < request->header_length; i++) count += request->header_lines[i] == 0;
  free(easy->headers);
  easy->headers = NULL;
  if (count > 0) {
    struct curl_slist *nodes = malloc(count * sizeof *nodes + request->header_length);
    if (!nodes) return false;
    char *line = memcpy(nodes + count, request->header_lines, request->header_length);
    for (size_t i = 0; i < count; i++) {
      nodes[i] = (struct curl_slist){.data = line, .next = i + 1 < count ? &nodes[i + 1] : NULL};
      line += strlen(line) + 1;
    }
    easy->headers = nodes;
  }
  return curl_easy_setopt(easy->curl, CURLOPT_HTTPHEADER, easy->headers) == CURLE_OK;
}

// Fewer and larger writes cost a large body a fifth less; libcurl has the buffer only while it sends.
static size_t upload_share(int64_t body_length) {
  const int64_t least = 65536, most = 524288, page = 4096;
  if (body_length < least) return (size_t)least;
  return (size_t)(body_length > most ? most : (body_length + page - 1) / page * page);
}

// Room in that buffer which is never filled. The TLS library's own buffer often lies right behind this one. Were the
// distance of both a multiple of 4 KiB and a few bytes more, then copying from one into the other by `rep movsb` would
// be several times slower on AMD's processors.
static const size_t upload_gap = 2048;

static bool set_method_and_body(ht_easy *easy, const ht_request *request) {
  CURL *curl = easy->curl;
  // Takes back what the exchange before was: a body to read by large shares, or none to receive.
  SET(CURLOPT_HTTPGET, 1L);
  SET(CURLOPT_UPLOAD_BUFFERSIZE, 65536L);
  switch (request->body) {
    case HT_BODY_NONE:
      if (request->is_head) SET(CURLOPT_NOBODY, 1L);
      break;
    case HT_BODY_EMPTY:
      SET(CURLOPT_POST, 1L);
      SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
      SET(CURLOPT_POSTFIELDS, "");
      break;
    case HT_BODY_COPIED:
      SET(CURLOPT_POST, 1L);
      SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
      SET(CURLOPT_COPYPOSTFIELDS, (const char *)request->body_bytes);
      break;
    case HT_BODY_READ:
      SET(CURLOPT_UPLOAD, 1L);
      easy->upload_share = upload_share(request->body_length);
      SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)(easy->upload_share + upload_gap));
      SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_length);
      break;
  }
  SET(CURLOPT_CUSTOMREQUEST, request->method);
  return true;
}

static bool set_connection(ht_easy *easy, const ht_request *request) {
  CURL *curl = easy->curl;
  SET(CURLOPT_PROXY, request->proxy);
  SET(CURLOPT_NOPROXY, request->no_proxy);
  if (request->resolution) {
    // libcurl keeps the list, not a copy of it.
    easy->resolution = curl_slist_append(NULL, request->resolution);
    if (!easy->resolution) return false;
    SET(CURLOPT_RESOLVE, easy->resolution);
  }
  SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout_ms);
  SET(CURLOPT_FRESH_CONNECT, request->fresh_connection ? 1L : 0L);
  return true;
}

bool ht_easy_prepare(ht_easy *easy, const ht_request *request, void *context) {
  CURL *curl = easy->curl;
  easy->context = context;
  easy->bulk_length = request->body == HT_BODY_READ && request->is_at_hand ? request->body_length : 0;
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_REQUEST_TARGET, request->target);
  SET(CURLOPT_ACCEPT_ENCODING, request->decompresses ? "gzip, deflate" : NULL);
  SET(CURLOPT_HTTP_CONTENT_DECODING, request->decompresses ? 1L : 0L);
  return set_connection(easy, request) && set_method_and_body(easy, request) && set_headers(easy, request);
}

void ht_easy_pause(ht_easy *easy, bool receiving, bool sending) {
  curl_easy_pause(easy->curl, (receiving ? CURLPAUSE_RECV : 0) | (sending ? CURLPAUSE_SEND : 0));
}

int64_t ht_easy_uploaded(ht_easy *easy) {
  curl_off_t count = 0;
  return curl_easy_getinfo(easy->curl, CURLINFO_SIZE_UPLOAD_T, &count) == CURLE_OK ? (int64_t)count : 0;
}

const char *ht_easy_error(ht_easy *easy) { return easy->error; }
