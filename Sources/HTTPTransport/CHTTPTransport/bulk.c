#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

// A body at hand is written as fast as it leaves. TLS writes it record by record, and each would leave in a segment of
// its own, four times as many as need be: an eighth of what putting 1 MiB costs. So segments wait to be whole until the
// tail, which must not wait for the peer to confirm what came before it.
static const int64_t least = 262144, tail = 65536;

void ht_sockets_add(ht_multi *multi, curl_socket_t socket) {
  if (!multi) return;
  // A number that the kernel gives again belongs to nobody else any more.
  for (size_t i = 0; i < multi->count; i++) {
    if (multi->sockets[i] == socket) return;
  }
  if (multi->count == multi->capacity) {
    size_t capacity = multi->capacity ? 2 * multi->capacity : 8;
    curl_socket_t *grown = realloc(multi->sockets, capacity * sizeof *grown);
    // One that is not noted is not found: its segments leave as they come.
    if (!grown) return;
    multi->sockets = grown;
    multi->capacity = capacity;
  }
  multi->sockets[multi->count++] = socket;
}

int ht_sockets_close(void *data, curl_socket_t socket) {
  ht_multi *multi = data;
  for (size_t i = 0; i < multi->count; i++) {
    if (multi->sockets[i] != socket) continue;
    multi->sockets[i] = multi->sockets[--multi->count];
    break;
  }
  return close(socket);
}

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} ht_address;

static uint16_t port_of(const ht_address *address) {
  return ntohs(address->any.sa_family == AF_INET ? address->in.sin_port : address->in6.sin6_port);
}

static bool is_at(const ht_address *peer, const uint8_t *address, size_t count) {
  switch (peer->any.sa_family) {
    case AF_INET: return count == 4 && memcmp(address, &peer->in.sin_addr, 4) == 0;
    case AF_INET6: return count == 16 && memcmp(address, &peer->in6.sin6_addr, 16) == 0;
    default: return false;
  }
}

// libcurl does not tell on which socket an exchange runs, but both ports and the peer's address: they are compared with
// those of the sockets that were opened.
static curl_socket_t find(
    const ht_multi *multi, const uint8_t *address, size_t count, uint16_t port, uint16_t local_port) {
  if (!multi) return CURL_SOCKET_BAD;
  for (size_t i = 0; i < multi->count; i++) {
    ht_address own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    if (getpeername(multi->sockets[i], &peer.any, &peer_size) != 0 || !is_at(&peer, address, count)) continue;
    if (getsockname(multi->sockets[i], &own.any, &own_size) != 0) continue;
    if (port_of(&peer) == port && port_of(&own) == local_port) return multi->sockets[i];
  }
  return CURL_SOCKET_BAD;
}

static bool is_noted(const ht_multi *multi, curl_socket_t socket) {
  for (size_t i = 0; i < multi->count; i++) {
    if (multi->sockets[i] == socket) return true;
  }
  return false;
}

static void send_at_once(curl_socket_t socket, bool at_once) {
  int value = at_once;
  // A socket that does not take it sends as it did.
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

void ht_bulk_begin(ht_easy *easy, const uint8_t *address, size_t count, uint16_t port, uint16_t local_port) {
  ht_bulk_end(easy);
  easy->bulk_left = easy->bulk_length;
  if (easy->bulk_length < least) return;
  easy->bulk_socket = find(easy->multi, address, count, port, local_port);
  if (easy->bulk_socket != CURL_SOCKET_BAD) send_at_once(easy->bulk_socket, false);
}

size_t ht_bulk_share(ht_easy *easy, size_t room) {
  if (easy->bulk_socket == CURL_SOCKET_BAD) return room;
  if (easy->bulk_left <= tail) {
    ht_bulk_end(easy);
    return room;
  }
  int64_t share = easy->bulk_left - tail;
  return (int64_t)room < share ? room : (size_t)share;
}

void ht_bulk_end(ht_easy *easy) {
  // The connection may be closed by now, and its number be another one's.
  if (easy->bulk_socket != CURL_SOCKET_BAD && is_noted(easy->multi, easy->bulk_socket)) {
    send_at_once(easy->bulk_socket, true);
  }
  easy->bulk_socket = CURL_SOCKET_BAD;
}
