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
} syncs[SLOTS];
static unsigned long next;

static void note(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  pthread_mutex_lock(&lock);
  syncs[next % SLOTS].device = status.st_dev;
  syncs[next % SLOTS].inode = status.st_ino;
  next++;
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

long sync_count(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) return -1;
  long count = 0;
  pthread_mutex_lock(&lock);
  for (unsigned long n = 0; n < SLOTS && n < next; n++)
    if (syncs[n].device == status.st_dev && syncs[n].inode == status.st_ino) count++;
  pthread_mutex_unlock(&lock);
  return count;
}
