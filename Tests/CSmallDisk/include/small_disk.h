#ifndef SMALL_DISK_H
#define SMALL_DISK_H

// This process's write, pwrite and posix_fallocate take the place of the C library's, for every library in it, so that a
// directory can be made as full as a small disk without mounting one.

/// Lets the files below a directory have so many bytes together: a write past it writes what fits, and fails with ENOSPC
/// where nothing does. One directory at a time; NULL ends it.
void limit_disk(const char *directory, long bytes);

/// How many writes were refused so far.
long refused_writes(void);

#endif
