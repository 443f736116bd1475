/* Writes down what a program does to the files below $RECORDED_FOLDER, call by call, at the end of
 * $RECORDED_TRACE: LD_PRELOAD in front of glibc's file calls. tests/kit/process/power_cut.py reads it.
 *
 * What changes a file is written down before it is done, a sync after it: the record says no later
 * than the disk that something may be on it, and no earlier that it must be.
 */
#define _GNU_SOURCE
#include "disk_paths.h"
#include <sys/uio.h>

enum kind { MAKE = 1, WRITE, SIZE, SYNC, UNLINK, RENAME };

struct record {
    int kind, path_bytes, other_bytes, unused;
    long long at, size;
};

static char folder_name[PATH_MAX];
static int trace = -1;

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("RECORDED_FOLDER"), *file = getenv("RECORDED_TRACE");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    if (!folder || !file || trace >= 0 || !realpath(folder, folder_name))
        return;
    trace = real(file, O_WRONLY | O_APPEND | O_CLOEXEC);
}

static void note(enum kind kind, const char *path, const char *other, long long at,
                 const void *from, size_t size)
{
    ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
    int kept = errno, has_bytes = kind == WRITE;
    struct record head = {kind, strlen(path), other ? strlen(other) : 0, 0, at, size};
    struct iovec parts[4] = {{&head, sizeof head},
                             {(void *)path, head.path_bytes},
                             {(void *)(other ? other : ""), head.other_bytes},
                             {(void *)from, has_bytes ? size : 0}};
    if (real(trace, parts, 4) < 0)
        abort();
    errno = kept;
}

static int is_recorded(int fd, char path[PATH_MAX])
{
    int kept = errno, yes = trace >= 0 && fd != trace && path_of(fd, path);
    errno = kept;
    return yes && is_below(folder_name, path);
}

static void on_write(int fd, const void *from, size_t size, long long at)
{
    char path[PATH_MAX];
    if (!is_recorded(fd, path))
        return;
    if (at < 0) {
        int flags = fcntl(fd, F_GETFL);
        struct stat found;
        at = flags & O_APPEND && !fstat(fd, &found) ? found.st_size : lseek(fd, 0, SEEK_CUR);
    }
    note(WRITE, path, NULL, at, from, size);
}

static void on_size(int fd, long long size)
{
    char path[PATH_MAX];
    if (is_recorded(fd, path))
        note(SIZE, path, NULL, 0, NULL, size);
}

static void on_sync(int fd)
{
    char path[PATH_MAX];
    if (is_recorded(fd, path))
        note(SYNC, path, NULL, 0, NULL, 0);
}

static int on_open(int fd, int flags, int was_there)
{
    char path[PATH_MAX];
    if (fd < 0 || !(flags & (O_CREAT | O_TRUNC)) || !is_recorded(fd, path))
        return fd;
    if (!was_there)
        note(MAKE, path, NULL, 0, NULL, 0);
    else if (flags & O_TRUNC)
        note(SIZE, path, NULL, 0, NULL, 0);
    return fd;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        MODE_OF(flags)                                                                             \
        REAL(int, #name, const char *, int, ...);                                                  \
        int was_there = flags & O_CREAT ? is_there(AT_FDCWD, path) : 1;                            \
        return on_open(real(path, flags, mode), flags, was_there);                                 \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        MODE_OF(flags)                                                                             \
        REAL(int, #name, int, const char *, int, ...);                                             \
        int was_there = flags & O_CREAT ? is_there(folder, path) : 1;                              \
        return on_open(real(folder, path, flags, mode), flags, was_there);                         \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *from, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    on_write(fd, from, size, -1);
    return real(fd, from, size);
}

#define PWRITE(name, place)                                                                        \
    ssize_t name(int fd, const void *from, size_t size, place at)                                  \
    {                                                                                              \
        REAL(ssize_t, #name, int, const void *, size_t, place);                                    \
        on_write(fd, from, size, at);                                                              \
        return real(fd, from, size, at);                                                           \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* What these would write is not written down; nothing that is watched uses them. */
#define NEVER(name, types)                                                                         \
    ssize_t name types                                                                             \
    {                                                                                              \
        char path[PATH_MAX];                                                                       \
        if (is_recorded(fd, path))                                                                 \
            abort();                                                                               \
        errno = ENOSYS;                                                                            \
        return -1;                                                                                 \
    }
NEVER(pwritev, (int fd, const struct iovec *from, int count, off_t at))
NEVER(pwritev64, (int fd, const struct iovec *from, int count, off64_t at))

#define TRUNCATE(name, length)                                                                     \
    int name(int fd, length size)                                                                  \
    {                                                                                              \
        REAL(int, #name, int, length);                                                             \
        on_size(fd, size);                                                                         \
        return real(fd, size);                                                                     \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define FLUSH(name)                                                                                \
    int name(int fd)                                                                               \
    {                                                                                              \
        REAL(int, #name, int);                                                                     \
        int answer = real(fd);                                                                     \
        if (!answer)                                                                               \
            on_sync(fd);                                                                           \
        return answer;                                                                             \
    }
FLUSH(fsync)
FLUSH(fdatasync)

static void on_name(enum kind kind, int folder, const char *path, int other, const char *to)
{
    char from[PATH_MAX], onto[PATH_MAX] = "";
    if (trace < 0 || !resolve(folder, path, from) || !is_below(folder_name, from))
        return;
    if (to && !resolve(other, to, onto))
        abort();
    note(kind, from, to ? onto : NULL, 0, NULL, 0);
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    if (is_there(AT_FDCWD, path))
        on_name(UNLINK, AT_FDCWD, path, 0, NULL);
    return real(path);
}

int unlinkat(int folder, const char *path, int how)
{
    REAL(int, "unlinkat", int, const char *, int);
    if (is_there(folder, path))
        on_name(UNLINK, folder, path, 0, NULL);
    return real(folder, path, how);
}

int rename(const char *path, const char *to)
{
    REAL(int, "rename", const char *, const char *);
    on_name(RENAME, AT_FDCWD, path, AT_FDCWD, to);
    return real(path, to);
}

int renameat(int folder, const char *path, int other, const char *to)
{
    REAL(int, "renameat", int, const char *, int, const char *);
    on_name(RENAME, folder, path, other, to);
    return real(folder, path, other, to);
}
