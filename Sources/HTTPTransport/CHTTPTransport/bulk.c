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

// libcurl does not tell on which socket an exchange runs, but both ports and the peer's address: they are compared with
// those of the sockets that were opened.

void ht_sockets_add(ht_multi *multi, curl_socket_t socket) {
  if (!multi) return;
  if (multi->count == multi->capacity) {
    size_t capacity = multi->capacity ? 2 * multi->capacity : 8;
    ht_socket *grown = realloc(multi->sockets, capacity * sizeof *grown);
    // One that is not noted is not found: its segments leave as they come.
    if (!grown) return;
    multi->sockets = grown;
    multi->capacity = capacity;
  }
  multi->sockets[multi->count++] = (ht_socket){.socket = socket};
}

int ht_sockets_close(void *data, curl_socket_t socket) {
  ht_multi *multi = data;
  for (size_t i = 0; i < multi->count; i++) {
    if (multi->sockets[i].socket != socket) continue;
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

// Port and address in network order; false for what is neither IPv4 nor IPv6.
static bool read_address(const ht_address *from, uint16_t *port, uint8_t *address, size_t *count) {
  if (from->any.sa_family == AF_INET) {
    *port = ntohs(from->in.sin_port);
    memcpy(address, &from->in.sin_addr, *count = 4);
    return true;
  }
  if (from->any.sa_family == AF_INET6) {
    *port = ntohs(from->in6.sin6_port);
    memcpy(address, &from->in6.sin6_addr, *count = 16);
    return true;
  }
  return false;
}

// Asks for a socket's addresses, once it is connected.
static void learn(ht_socket *known) {
  ht_address local, peer;
  socklen_t local_size = sizeof local, peer_size = sizeof peer;
  if (getsockname(known->socket, &local.any, &local_size) || getpeername(known->socket, &peer.any, &peer_size)) return;
  uint8_t ignored[16];
  size_t count = 0, peer_count = 0;
  if (!read_address(&local, &known->local_port, ignored, &count)) return;
  if (read_address(&peer, &known->port, known->address, &peer_count)) known->count = peer_count;
}

static curl_socket_t find(ht_multi *multi, const uint8_t *address, size_t count, uint16_t port, uint16_t local_port) {
  if (!multi || count == 0) return CURL_SOCKET_BAD;
  for (size_t i = 0; i < multi->count; i++) {
    ht_socket *known = &multi->sockets[i];
    if (known->count == 0) learn(known);
    if (known->count == count && known->port == port && known->local_port == local_port &&
        memcmp(known->address, address, count) == 0) {
      return known->socket;
    }
  }
  return CURL_SOCKET_BAD;
}

static bool is_open(const ht_multi *multi, curl_socket_t socket) {
  for (size_t i = 0; i < multi->count; i++) {
    if (multi->sockets[i].socket == socket) return true;
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
  if (easy->bulk_socket != CURL_SOCKET_BAD && is_open(easy->multi, easy->bulk_socket)) {
    send_at_once(easy->bulk_socket, true);
  }
  easy->bulk_socket = CURL_SOCKET_BAD;
}
