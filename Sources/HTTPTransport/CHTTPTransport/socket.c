#include <curl/curl.h>
#include <poll.h>

#include "internal.h"

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  (void)a, (void)b, (void)c, (void)d;
  ht_easy *easy = data;
  return easy->goes_on(easy->context) ? 0 : 1;
}

ht_outcome ht_easy_connect(
    ht_easy *easy, const ht_request *request, void *context, bool (*goes_on)(void *context)) {
  if (!ht_easy_prepare(easy, request, context)) return HT_BAD_REQUEST;
  easy->goes_on = goes_on;
  curl_easy_setopt(easy->curl, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy->curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
  curl_easy_setopt(easy->curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy->curl, CURLOPT_XFERINFODATA, easy);
  return ht_outcome_of(curl_easy_perform(easy->curl));
}

static ptrdiff_t result_of(CURLcode code, size_t count) {
  if (code == CURLE_OK) return (ptrdiff_t)count;
  return code == CURLE_AGAIN ? HT_SOCKET_BUSY : HT_SOCKET_LOST;
}

ptrdiff_t ht_easy_send(ht_easy *easy, const uint8_t *bytes, size_t count) {
  size_t sent = 0;
  return result_of(curl_easy_send(easy->curl, bytes, count, &sent), sent);
}

ptrdiff_t ht_easy_receive(ht_easy *easy, uint8_t *bytes, size_t count) {
  size_t received = 0;
  return result_of(curl_easy_recv(easy->curl, bytes, count, &received), received);
}

void ht_easy_wait(ht_easy *easy, const ht_bell *bell, bool reading, bool writing, int timeout_ms) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy->curl, CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) socket = CURL_SOCKET_BAD;
  struct pollfd waits[2] = {
      {.fd = bell->in, .events = POLLIN},
      {.fd = socket == CURL_SOCKET_BAD ? -1 : (int)socket,
       .events = (short)((reading ? POLLIN : 0) | (writing ? POLLOUT : 0))}};
  // A socket that is asked for nothing would still report its end, again and again.
  const nfds_t count = reading || writing ? 2 : 1;
  if (poll(waits, count, timeout_ms) > 0 && waits[0].revents) ht_bell_silence(bell);
}
