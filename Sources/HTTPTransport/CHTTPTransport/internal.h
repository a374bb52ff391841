#pragma once

#include <curl/curl.h>

#include "CHTTPTransport.h"

struct ht_easy {
  CURL *curl;
  bool (*goes_on)(void *context);
  struct curl_slist *headers;
  struct curl_slist *resolution;
  const ht_callbacks *callbacks;
  void *context;
  /// The bytes of a body that are asked for at a time.
  size_t upload_share;
  char error[CURL_ERROR_SIZE];
};

ht_outcome ht_outcome_of(CURLcode code);
/// Takes all rings out of a bell.
void ht_bell_silence(const ht_bell *bell);
