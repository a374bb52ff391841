"""A time of day that a test sets, for whole programs: what they ask the C library comes through a small library of ours.

The monotonic clocks stay what they are, as when somebody sets a machine's clock.
"""

import shutil
import subprocess

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Seconds, from the file that the environment names; read each time, so that the clock can be set at any moment. */
static long offset(void) {
  char text[32] = {0};
  const char *path = getenv("SDTEST_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 ? atol(text) : 0;
}

int clock_gettime(clockid_t id, struct timespec *now) {
  int status = syscall(SYS_clock_gettime, id, now);
  if (status == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
  return status;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec time;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
"""


class TimeOfDay:
    """Programs with its `environment` see the time of day as it says."""

    def __init__(self, folder):
        compiler = shutil.which("cc") or shutil.which("clang")
        assert compiler, "a C compiler is missing: clang comes with Swift"
        self.library, self.file = folder / "clock.so", folder / "clock"
        subprocess.run([compiler, "-shared", "-fPIC", "-O", "-x", "c", "-", "-o", self.library], input=SOURCE, text=True, check=True)
        self.environment = {"LD_PRELOAD": str(self.library), "SDTEST_CLOCK": str(self.file)}
        self.set(0)

    def set(self, offset):
        """So many seconds after the real time, from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(str(offset))
        new.replace(self.file)
