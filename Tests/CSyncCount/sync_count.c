#define _GNU_SOURCE
#include "sync_count.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLOTS 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec written;
} syncs[SLOTS];
static unsigned long next;

static void note(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  pthread_mutex_lock(&lock);
  unsigned long slot = next++ % SLOTS;
  syncs[slot].device = status.st_dev;
  syncs[slot].inode = status.st_ino;
  syncs[slot].size = status.st_size;
  syncs[slot].written = status.st_mtim;
  pthread_mutex_unlock(&lock);
}

int fsync(int fd) {
  note(fd);
  return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  note(fd);
  return (int)syscall(SYS_fdatasync, fd);
}

static long matches(const char *path, int as_it_is) {
  struct stat status;
  if (stat(path, &status) != 0) return 0;
  long count = 0;
  pthread_mutex_lock(&lock);
  for (unsigned long n = 0; n < SLOTS && n < next; n++) {
    if (syncs[n].device != status.st_dev || syncs[n].inode != status.st_ino) continue;
    int same = syncs[n].size == status.st_size && syncs[n].written.tv_sec == status.st_mtim.tv_sec &&
               syncs[n].written.tv_nsec == status.st_mtim.tv_nsec;
    if (same || !as_it_is) count++;
  }
  pthread_mutex_unlock(&lock);
  return count;
}

long sync_count(const char *path) { return matches(path, 0); }

int is_synced(const char *path) { return matches(path, 1) > 0; }
