#pragma once

#include <curl/curl.h>

#include "CHTTPTransport.h"

struct ht_multi {
  CURLM *curl;
  /// What was opened for connections. libcurl before 8.3 closes some without a word: not all need be open still.
  curl_socket_t *sockets;
  size_t count, capacity;
};

struct ht_easy {
  CURL *curl;
  /// Whose sockets it opens.
  ht_multi *multi;
  bool (*goes_on)(void *context);
  struct curl_slist *headers;
  struct curl_slist *resolution;
  const ht_callbacks *callbacks;
  void *context;
  /// How often the exchange's request was about to be sent, and whether it ended with a whole answer.
  int times_sent;
  bool is_complete;
  /// The bytes of a body that are asked for at a time.
  size_t upload_share;
  /// The length of a body whose bytes are all at hand, and what is left of it; 0: it comes as it is made.
  int64_t bulk_length, bulk_left;
  /// The socket whose segments wait to be whole, or `CURL_SOCKET_BAD`.
  curl_socket_t bulk_socket;
  char error[CURL_ERROR_SIZE];
};

ht_outcome ht_outcome_of(CURLcode code);
/// Takes all rings out of a bell.
void ht_bell_silence(const ht_bell *bell);

// bulk.c

/// Notes a socket that was opened for a connection.
void ht_sockets_add(ht_multi *multi, curl_socket_t socket);
/// libcurl's callback: closes a socket and forgets it.
int ht_sockets_close(void *multi, curl_socket_t socket);
/// The request is about to be sent on a connection that stands; `count` is 0 if the peer's address is unknown.
void ht_bulk_begin(ht_easy *easy, const uint8_t *address, size_t count, uint16_t port, uint16_t local_port);
/// How much of the room for the body's next bytes is to be filled.
size_t ht_bulk_share(ht_easy *easy, size_t room);
/// What is written leaves at once again.
void ht_bulk_end(ht_easy *easy);
