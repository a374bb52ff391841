// libcurl behind typed functions: what is variadic, a union or a macro there is a function or a struct here.
//
// Threads: a multi handle and the easy handles in it belong to one thread. `ht_bell_ring` may be called from any.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ht_multi ht_multi;
typedef struct ht_easy ht_easy;
typedef struct { int in, out; } ht_bell;

/// How an exchange ended, as far as libcurl knows.
typedef enum {
  HT_COMPLETE,
  HT_BAD_REQUEST,
  HT_UNRESOLVED,
  HT_UNCONNECTED,
  HT_TLS,
  HT_LOST,
  HT_MALFORMED,
  HT_TIMED_OUT,
  HT_STOPPED,  // by one of our callbacks
  HT_FAILED,   // out of memory and the like
} ht_outcome;

/// What a callback that takes bytes answers.
typedef enum { HT_TAKEN, HT_PAUSE, HT_STOP } ht_taken;

enum { HT_READ_PAUSE = -1, HT_READ_STOP = -2 };

/// The callbacks of an exchange. All are called on the thread that runs the multi handle, from within
/// `ht_multi_perform` or `ht_easy_resume`, with the `context` of the exchange.
typedef struct {
  /// A line of an answer's head, with its line end.
  ht_taken (*head)(void *context, const uint8_t *bytes, size_t count);
  /// Bytes of an answer's body. `HT_PAUSE`: none was taken; they come again.
  ht_taken (*body)(void *context, const uint8_t *bytes, size_t count);
  /// Fills a buffer with bytes of the request's body; 0 at the end, or one of `HT_READ_*`.
  ptrdiff_t (*read)(void *context, uint8_t *bytes, size_t count);
  /// The request's body will be read from its start again.
  bool (*rewind)(void *context);
  /// Whether a socket may be connected to an address; 4 or 16 bytes in network order.
  bool (*permits)(void *context, const uint8_t *address, size_t count, uint16_t port);
  /// A connection stands, new or reused, and the request is about to be sent. `count` is 0 if the address is unknown;
  /// `text` is the numeric address.
  bool (*sends)(void *context, const uint8_t *address, size_t count, uint16_t port, const char *text);
} ht_callbacks;

typedef enum { HT_BODY_NONE, HT_BODY_EMPTY, HT_BODY_COPIED, HT_BODY_READ } ht_body;

/// A request, and how to send it. Strings and bytes need only live during the call.
typedef struct {
  const char *url;
  /// The request target as it goes to the wire, or NULL to derive it from `url`.
  const char *target;
  const char *method;
  bool is_head;
  /// `Name: value` lines, each ended by a NUL.
  const uint8_t *header_lines;
  size_t header_length;
  ht_body body;
  /// For `HT_BODY_COPIED`.
  const uint8_t *body_bytes;
  /// The body's length, or -1 where it is not known.
  int64_t body_length;
  /// Whether a body that is read is there already, so that reading it never has to wait.
  bool is_at_hand;
  /// Proxy URL, or "" for none; and the hosts that are reached without it.
  const char *proxy;
  const char *no_proxy;
  /// Addresses to use for the host in place of what its name resolves to, as CURLOPT_RESOLVE has them; or NULL.
  const char *resolution;
  long connect_timeout_ms;
  bool decompresses;
  bool fresh_connection;
} ht_request;

/// What holds for all exchanges of a handle. Strings need only live during the call.
typedef struct {
  /// A PEM file with certificates to trust instead of the system's, or NULL.
  const char *ca_file;
  /// How long a connection may be kept while unused.
  long idle_seconds;
  bool http2;
} ht_settings;

/// Prepares libcurl for this process; call it once.
bool ht_global_init(void);

/// Starts a detached thread that takes no signals (those of faults excepted). Of `name` 15 bytes count.
bool ht_thread_start(const char *name, void (*body)(void *), void *context);

/// Nanoseconds of the monotonic clock.
int64_t ht_now(void);

/// What wakes a thread in `ht_multi_poll`. libcurl has one of its own, but in the multi handle: it would have to be kept
/// alive under a lock while it is rung. And this one costs one system call less. False if there are no descriptors left.
bool ht_bell_open(ht_bell *bell);
void ht_bell_close(const ht_bell *bell);
void ht_bell_ring(const ht_bell *bell);

/// A new multi handle; 0 means no limit.
ht_multi *ht_multi_new(long total_connections, long host_connections, long idle_connections);
void ht_multi_free(ht_multi *multi);
bool ht_multi_add(ht_multi *multi, ht_easy *easy);
/// Takes an exchange out. One that has not ended has its connection (its stream, in HTTP/2) closed.
void ht_multi_remove(ht_multi *multi, ht_easy *easy);
void ht_multi_perform(ht_multi *multi);
/// Waits for something to do, or for the bell, which it silences.
void ht_multi_poll(ht_multi *multi, const ht_bell *bell, int timeout_ms);
/// An exchange that has ended, as its context; NULL if there is none. It must be removed before the next call.
void *ht_multi_next_ended(ht_multi *multi, ht_outcome *outcome);

/// A handle for one exchange at a time; `callbacks` must outlive it. NULL if libcurl has none or refuses a setting.
ht_easy *ht_easy_new(const ht_callbacks *callbacks, const ht_settings *settings);
void ht_easy_free(ht_easy *easy);
/// Sets up what differs from request to request; false if libcurl refuses an option.
bool ht_easy_prepare(ht_easy *easy, const ht_request *request, void *context);
/// Lets a handle that is in no multi handle forget its exchange; settings and caches stay. False if something of it stays
/// all the same, and the handle must be renewed before another one.
bool ht_easy_reset(ht_easy *easy);
/// Makes such a handle as new, its caches excepted; false if libcurl refuses a setting.
bool ht_easy_renew(ht_easy *easy, const ht_settings *settings);
/// Sets which directions rest. May call `head`, `body` and `read`.
void ht_easy_pause(ht_easy *easy, bool receiving, bool sending);
/// How many bytes of the request's body the kernel has taken.
int64_t ht_easy_uploaded(ht_easy *easy);

// A connection without HTTP, for protocols of one's own. Such a handle is never in a multi handle.

/// Prepares the handle as for a request without a body and connects it, TLS included. Blocks, at most for the request's
/// time to connect; `goes_on` is asked about once a second and ends it by false. `permits` and `sends` are called as ever.
ht_outcome ht_easy_connect(
    ht_easy *easy, const ht_request *request, void *context, bool (*goes_on)(void *context));
enum { HT_SOCKET_BUSY = -1, HT_SOCKET_LOST = -2 };
/// Sends bytes: how many, or one of `HT_SOCKET_*`.
ptrdiff_t ht_easy_send(ht_easy *easy, const uint8_t *bytes, size_t count);
/// Receives bytes: how many, 0 at the end, or one of `HT_SOCKET_*`.
ptrdiff_t ht_easy_receive(ht_easy *easy, uint8_t *bytes, size_t count);
/// Waits until the connection can be read or written, as wanted, or until the bell rings, which it silences.
void ht_easy_wait(ht_easy *easy, const ht_bell *bell, bool reading, bool writing, int timeout_ms);

/// What went wrong in libcurl's words; "" if it has none.
const char *ht_easy_error(ht_easy *easy);
