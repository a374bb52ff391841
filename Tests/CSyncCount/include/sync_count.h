#ifndef SYNC_COUNT_H
#define SYNC_COUNT_H

// This process's fsync and fdatasync take the place of the C library's, for every library in it, and note what they sync.

/// How often a file has been synced, by whatever name; 0 for a path that is not there. A number of the file system that was
/// another file's before counts for both.
long sync_count(const char *path);

/// Whether a file was synced as it is now: nothing was written to it since.
int is_synced(const char *path);

#endif
