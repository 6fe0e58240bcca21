/* Writes down what a process does to the files of one folder, in order, and lets some of it fail.
 *
 *   SHIM_FOLDER   the folder, with a slash at its end
 *   SHIM_JOURNAL  the file that gets one record a call; it lies outside of the folder
 *   SHIM_FAULT    "sync:-wal:3:5:5": of the calls that sync files whose names end in "-wal", the 3rd to the 5th fail
 *                 with error number 5; "write:" the same for writes. It is counted from the first write to a file
 *                 that is called "said": until then the program only begins
 *
 * A record is a head (kind, lengths, offset) with the path and, for writes, the bytes. It follows the real call, under
 * one lock: whatever prefix of the journal is there is a state in which the power may have failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC, TRUNCATE, CREATE, UNLINK, RENAME, SYNC_FOLDER, FAULT, OPEN, CLOSE };

struct head { uint32_t kind, path; uint64_t offset, length; };

#define MOST 4096
static char *paths[MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -2;
static const char *folder;
static char fault_op[16], fault_ending[64];
static long fault_first, fault_last, fault_error, fault_seen;
static int begun;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void begin(void) {
    if (journal != -2) return;
    journal = -1;
    folder = getenv("SHIM_FOLDER");
    const char *file = getenv("SHIM_JOURNAL"), *fault = getenv("SHIM_FAULT");
    if (!folder || !file) return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    journal = real(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fault && *fault) {
        char *text = strdup(fault), *rest = text;
        strncpy(fault_op, strsep(&rest, ":"), sizeof fault_op - 1);
        strncpy(fault_ending, strsep(&rest, ":"), sizeof fault_ending - 1);
        fault_first = atol(strsep(&rest, ":"));
        fault_last = atol(strsep(&rest, ":"));
        fault_error = atol(rest);
        free(text);
    }
}

static int ours(const char *path) {
    begin();
    size_t length = path ? strlen(path) : 0;
    if (journal < 0 || !path) return 0;
    if (length + 1 == strlen(folder) && !strncmp(path, folder, length)) return 1; /* the folder itself */
    if (strncmp(path, folder, strlen(folder))) return 0;
    return length < 4 || strcmp(path + length - 4, "-shm"); /* shared memory is made anew after a crash */
}

static void note(int kind, const char *path, uint64_t offset, const void *bytes, uint64_t length) {
    struct head head = { kind, strlen(path), offset, length };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)path, head.path }, { (void *)bytes, bytes ? length : 0 } };
    ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
    if (real(journal, parts, 3) < 0) abort();
}

static const char *path_of(int fd) { return fd >= 0 && fd < MOST ? paths[fd] : NULL; }

static int fails(const char *op, const char *path) {
    size_t length = strlen(path), ending = strlen(fault_ending);
    if (length >= 5 && !strcmp(path + length - 5, "/said")) begun = 1;
    if (!begun || strcmp(op, fault_op) || length < ending || strcmp(path + length - ending, fault_ending)) return 0;
    fault_seen++;
    if (fault_seen < fault_first || fault_seen > fault_last) return 0;
    note(FAULT, path, *op == 's', NULL, 0);
    errno = fault_error;
    return 1;
}

static void opened(int fd, const char *path, int flags, int was) {
    if (fd < 0 || fd >= MOST) return;
    free(paths[fd]);
    paths[fd] = strdup(path);
    struct stat stat;
    int is_folder = !fstat(fd, &stat) && S_ISDIR(stat.st_mode);
    if (is_folder) return;
    if (!was) note(CREATE, path, 0, NULL, 0);
    note(OPEN, path, fd, NULL, 0);
    if (flags & O_TRUNC) note(TRUNCATE, path, 0, NULL, 0);
}

#define OPENS(name)                                                                          \
    int name(const char *path, int flags, ...) {                                             \
        va_list rest;                                                                        \
        va_start(rest, flags);                                                               \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;              \
        va_end(rest);                                                                        \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);                       \
        if (!ours(path)) return real(path, flags, mode);                                     \
        pthread_mutex_lock(&lock);                                                           \
        int was = access(path, F_OK) == 0, fd = real(path, flags, mode), error = errno;      \
        opened(fd, path, flags, was);                                                        \
        pthread_mutex_unlock(&lock);                                                         \
        errno = error;                                                                       \
        return fd;                                                                           \
    }
OPENS(open)
OPENS(open64)

int close(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "close");
    if (!path_of(fd)) return real(fd);
    pthread_mutex_lock(&lock);
    int done = real(fd);
    note(CLOSE, paths[fd], fd, NULL, 0);
    free(paths[fd]);
    paths[fd] = NULL;
    pthread_mutex_unlock(&lock);
    return done;
}

static ssize_t written(int fd, const void *bytes, size_t length, int64_t offset) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    ssize_t (*plain)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    pthread_mutex_lock(&lock);
    ssize_t done = -1;
    if (!fails("write", paths[fd])) {
        int64_t place = offset < 0 ? (fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR)) : offset;
        done = offset < 0 ? plain(fd, bytes, length) : real(fd, bytes, length, offset);
        if (done > 0) {
            int error = errno;
            note(WRITE, paths[fd], place, bytes, done);
            errno = error;
        }
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return path_of(fd) ? written(fd, bytes, length, -1) : real(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    return path_of(fd) ? written(fd, bytes, length, offset) : real(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return path_of(fd) ? written(fd, bytes, length, offset) : real(fd, bytes, length, offset);
}

static int synced(int fd, int (*real)(int)) {
    struct stat stat;
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails("sync", paths[fd])) {
        done = real(fd);
        int error = errno;
        if (!done) note(!fstat(fd, &stat) && S_ISDIR(stat.st_mode) ? SYNC_FOLDER : SYNC, paths[fd], 0, NULL, 0);
        errno = error;
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    return path_of(fd) ? synced(fd, real) : real(fd);
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return path_of(fd) ? synced(fd, real) : real(fd);
}

#define TRUNCATES(name, type)                                                                \
    int name(int fd, type length) {                                                          \
        int (*real)(int, type) = dlsym(RTLD_NEXT, #name);                                    \
        if (!path_of(fd)) return real(fd, length);                                           \
        pthread_mutex_lock(&lock);                                                           \
        int done = real(fd, length), error = errno;                                          \
        if (!done) note(TRUNCATE, paths[fd], length, NULL, 0);                               \
        pthread_mutex_unlock(&lock);                                                         \
        errno = error;                                                                       \
        return done;                                                                         \
    }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

int unlink(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    if (!ours(path)) return real(path);
    pthread_mutex_lock(&lock);
    int done = real(path), error = errno;
    if (!done) note(UNLINK, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    if (!ours(from)) return real(from, to);
    pthread_mutex_lock(&lock);
    int done = real(from, to), error = errno;
    if (!done) note(RENAME, from, 0, to, strlen(to));
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
