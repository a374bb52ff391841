#define _GNU_SOURCE
#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "internal.h"

bool ht_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

int64_t ht_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

typedef struct {
  char name[16];
  void (*body)(void *);
  void *context;
} thread_start;

static void *run_thread(void *data) {
  thread_start start = *(thread_start *)data;
  free(data);
#ifdef __linux__
  pthread_setname_np(pthread_self(), start.name);
#endif
  start.body(start.context);
  return NULL;
}

bool ht_thread_start(const char *name, void (*body)(void *), void *context) {
  thread_start *start = malloc(sizeof *start);
  if (!start) return false;
  *start = (thread_start){.body = body, .context = context};
  // Copied, since a literal of Swift's lives during the call only.
  for (size_t i = 0; name[i] && i + 1 < sizeof start->name; i++) start->name[i] = name[i];
  // The new thread inherits the mask: signals go to the program's own threads, and a peer that is gone raises no
  // SIGPIPE here, whatever library writes.
  sigset_t blocked, before;
  sigfillset(&blocked);
  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&blocked, faults[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  bool started = pthread_create(&thread, &attributes, run_thread, start) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!started) free(start);
  return started;
}

ht_multi *ht_multi_new(long total_connections, long host_connections, long idle_connections) {
  ht_multi *multi = calloc(1, sizeof *multi);
  if (!multi) return NULL;
  multi->curl = curl_multi_init();
  if (!multi->curl) {
    free(multi);
    return NULL;
  }
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, total_connections);
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, host_connections);
  curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, idle_connections);
  return multi;
}

void ht_multi_free(ht_multi *multi) {
  // Closes the connections that were kept.
  curl_multi_cleanup(multi->curl);
  free(multi->sockets);
  free(multi);
}

bool ht_multi_add(ht_multi *multi, ht_easy *easy) {
  if (easy->multi != multi) {
    easy->multi = multi;
    // A connection keeps these for its end, which may come after this handle's.
    curl_easy_setopt(easy->curl, CURLOPT_CLOSESOCKETFUNCTION, ht_sockets_close);
    curl_easy_setopt(easy->curl, CURLOPT_CLOSESOCKETDATA, multi);
  }
  return curl_multi_add_handle(multi->curl, easy->curl) == CURLM_OK;
}

void ht_multi_remove(ht_multi *multi, ht_easy *easy) {
  ht_bulk_end(easy);
  curl_multi_remove_handle(multi->curl, easy->curl);
}

void ht_multi_perform(ht_multi *multi) {
  int running = 0;
  curl_multi_perform(multi->curl, &running);
}

void ht_multi_poll(ht_multi *multi, const ht_bell *bell, int timeout_ms) {
  struct curl_waitfd waits = {.fd = bell->in, .events = CURL_WAIT_POLLIN, .revents = 0};
  if (curl_multi_poll(multi->curl, &waits, 1, timeout_ms, NULL) == CURLM_OK && waits.revents) ht_bell_silence(bell);
}

void ht_bell_silence(const ht_bell *bell) {
  uint64_t rings[8];
  // An event descriptor is empty after one read; a pipe that is not rings again.
  ssize_t ignored = read(bell->in, rings, sizeof rings);
  (void)ignored;
}

bool ht_bell_open(ht_bell *bell) {
#ifdef __linux__
  bell->in = bell->out = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return bell->in >= 0;
#else
  int ends[2];
  if (pipe(ends) != 0) return false;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  bell->in = ends[0];
  bell->out = ends[1];
  return true;
#endif
}

void ht_bell_close(const ht_bell *bell) {
  close(bell->in);
  if (bell->out != bell->in) close(bell->out);
}

void ht_bell_ring(const ht_bell *bell) {
  const uint64_t one = 1;
  // It fails only when it has rung so often that it is still ringing.
  ssize_t ignored = write(bell->out, &one, sizeof one);
  (void)ignored;
}

ht_outcome ht_outcome_of(CURLcode code) {
  switch (code) {
    case CURLE_OK: return HT_COMPLETE;
    case CURLE_URL_MALFORMAT: return HT_BAD_REQUEST;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return HT_UNRESOLVED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return HT_UNCONNECTED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED: return HT_TLS;
    case CURLE_OPERATION_TIMEDOUT: return HT_TIMED_OUT;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_WRITE_ERROR: return HT_STOPPED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING: return HT_MALFORMED;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return HT_LOST;
    default: return HT_FAILED;
  }
}

void *ht_multi_next_ended(ht_multi *multi, ht_outcome *outcome) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi->curl, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    *outcome = ht_outcome_of(message->data.result);
    ht_easy *easy = NULL;
    if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&easy) != CURLE_OK || !easy) continue;
    easy->is_complete = message->data.result == CURLE_OK;
    if (!easy->error[0] && message->data.result != CURLE_OK) {
      const char *text = curl_easy_strerror(message->data.result);
      size_t i = 0;
      for (; text[i] && i + 1 < sizeof easy->error; i++) easy->error[i] = text[i];
      easy->error[i] = 0;
    }
    return easy->context;
  }
  return NULL;
}
