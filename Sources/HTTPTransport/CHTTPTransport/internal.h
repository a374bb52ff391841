#pragma once

#include <curl/curl.h>

#include "CHTTPTransport.h"

struct ht_easy {
  CURL *curl;
  struct curl_slist *headers;
  const ht_callbacks *callbacks;
  void *context;
  char error[CURL_ERROR_SIZE];
};
