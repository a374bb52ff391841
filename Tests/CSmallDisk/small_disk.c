#define _GNU_SOURCE
#include "small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static long limit;
static atomic_bool is_limited;
static atomic_long refusals;

void limit_disk(const char *directory, long bytes) {
  pthread_mutex_lock(&lock);
  is_limited = directory && realpath(directory, root);
  limit = bytes;
  pthread_mutex_unlock(&lock);
}

long refused_writes(void) { return refusals; }

static long used(void) {
  char *roots[] = {root, NULL};
  long sum = 0;
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  if (!walk) return 0;
  for (FTSENT *entry; (entry = fts_read(walk));)
    if (entry->fts_info == FTS_F) sum += entry->fts_statp->st_size;
  fts_close(walk);
  return sum;
}

static int is_below(int fd) {
  char name[64], path[PATH_MAX];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  size_t prefix = strlen(root);
  return length > (ssize_t)prefix && memcmp(path, root, prefix) == 0 && path[prefix] == '/';
}

// How many of the bytes at an offset of a file there is space for; the lock is held until the write is done.
static long fitting(int fd, off_t offset, size_t count) {
  struct stat status;
  if (!is_limited || !is_below(fd) || fstat(fd, &status) != 0) return (long)count;
  long grows = offset + (long)count - status.st_size;
  long space = limit - used();
  if (grows <= 0 || grows <= space) return (long)count;
  long fits = (long)count - grows + (space > 0 ? space : 0);
  if (fits > 0) return fits;
  refusals++;
  return -1;
}

static ssize_t full(void) {
  errno = ENOSPC;
  return -1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  if (!is_limited) return syscall(SYS_write, fd, bytes, count);
  pthread_mutex_lock(&lock);
  int flags = fcntl(fd, F_GETFL);
  off_t offset = lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);
  long fits = offset < 0 ? (long)count : fitting(fd, offset, count);
  ssize_t written = fits < 0 ? full() : syscall(SYS_write, fd, bytes, fits);
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  if (!is_limited) return syscall(SYS_pwrite64, fd, bytes, count, offset);
  pthread_mutex_lock(&lock);
  long fits = fitting(fd, offset, count);
  ssize_t written = fits < 0 ? full() : syscall(SYS_pwrite64, fd, bytes, fits, offset);
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) { return pwrite(fd, bytes, count, offset); }

int posix_fallocate(int fd, off_t offset, off_t length) {
  pthread_mutex_lock(&lock);
  int result = fitting(fd, offset, length) < length ? ENOSPC : 0;
  if (!result && syscall(SYS_fallocate, fd, 0, offset, length) != 0) result = errno;
  pthread_mutex_unlock(&lock);
  return result;
}
