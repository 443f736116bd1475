/* A disk that goes bad under a running program: LD_PRELOAD in front of glibc's file calls.
 *
 * $FAULTY_DISK names a control file, which is mapped: what is written there counts at once, in
 * every thread. Faults are for paths below its folder, and for descriptors of such files, whenever
 * they were opened. tests/kit/process/faulty_disk.py writes the control file.
 */
#define _GNU_SOURCE
#include "disk_paths.h"
#include <dirent.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>

enum mode { WELL, FULL, FAILING, UNREADABLE, READ_ONLY, SLOW, HANG, BAD_PAGES };
enum deed { READ, LOOK, CHANGE, MAKE, WRITE, SYNC, FOLDER, NAME, READ_PAGE };
#define PAGE(at) ((at) < 4096 ? READ : READ_PAGE)

struct control {
    volatile int mode;
    volatile int sync_ms;
    volatile unsigned int hits; /* how often the program met a fault */
    char folder[PATH_MAX];      /* absolute, without symbolic links */
};

static struct control *control;

__attribute__((constructor)) static void find_control(void)
{
    const char *file = getenv("FAULTY_DISK");
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = file && !control ? real(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        control = map;
    close(fd);
}

static int is_bad(void) { return control && control->mode != WELL; }

static void sleep_ms(int ms)
{
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

static int is_file_below(int fd)
{
    char path[PATH_MAX];
    return path_of(fd, path) && is_below(control->folder, path);
}

static int is_path_below(int folder, const char *path)
{
    char real[PATH_MAX];
    return resolve(folder, path, real) && is_below(control->folder, real);
}

static int error_of(int mode, enum deed deed)
{
    switch (mode) {
    case FULL:
        return deed == WRITE || deed == MAKE || deed == FOLDER ? ENOSPC : 0;
    case FAILING:
        return deed == READ || deed == READ_PAGE || deed == LOOK || deed == CHANGE ? 0 : EIO;
    case BAD_PAGES:
        return deed == READ_PAGE ? EIO : 0;
    case UNREADABLE:
        return EIO;
    case READ_ONLY:
        return deed == READ || deed == READ_PAGE || deed == LOOK ? 0 : EROFS;
    }
    return 0;
}

/* The error to give for a deed on what is known to lie below the folder; 0 to go on. */
static int fault(enum deed deed)
{
    int mode = control->mode, met = 0;
    if (deed == SYNC && mode == SLOW) {
        __sync_fetch_and_add(&control->hits, 1);
        sleep_ms(control->sync_ms);
    }
    for (; deed == SYNC && control->mode == HANG; met = 1) {
        if (!met)
            __sync_fetch_and_add(&control->hits, 1);
        sleep_ms(2);
    }
    int error = error_of(control->mode, deed);
    if (error)
        __sync_fetch_and_add(&control->hits, 1);
    return error;
}

static int on_file(int fd, enum deed deed)
{
    int kept = errno, error = is_bad() && is_file_below(fd) ? fault(deed) : 0;
    errno = error ? error : kept;
    return error;
}

static int on_path(int folder, const char *path, enum deed deed)
{
    int kept = errno, error = is_bad() && path && is_path_below(folder, path) ? fault(deed) : 0;
    errno = error ? error : kept;
    return error;
}

static enum deed opening(int folder, const char *path, int flags)
{
    if (flags & O_CREAT && !is_there(folder, path))
        return MAKE;
    if (flags & O_TRUNC && control->mode == FAILING)
        return WRITE;
    return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC ? CHANGE : LOOK;
}

static int on_open(int folder, const char *path, int flags)
{
    return is_bad() && on_path(folder, path, opening(folder, path, flags));
}

/* A full disk lets a file become shorter. */
static enum deed sizing(int fd, off64_t size)
{
    struct stat found;
    int shorter = !fstat(fd, &found) && size <= found.st_size;
    return shorter && is_bad() && control->mode == FULL ? CHANGE : WRITE;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        MODE_OF(flags)                                                                             \
        REAL(int, #name, const char *, int, ...);                                                  \
        return on_open(AT_FDCWD, path, flags) ? -1 : real(path, flags, mode);                      \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        MODE_OF(flags)                                                                             \
        REAL(int, #name, int, const char *, int, ...);                                             \
        return on_open(folder, path, flags) ? -1 : real(folder, path, flags, mode);                \
    }
OPENAT(openat)
OPENAT(openat64)

#define OPEN_2(name)                                                                               \
    int name(const char *path, int flags)                                                          \
    {                                                                                              \
        REAL(int, #name, const char *, int);                                                       \
        return on_open(AT_FDCWD, path, flags) ? -1 : real(path, flags);                            \
    }
OPEN_2(__open_2)
OPEN_2(__open64_2)

#define OPENAT_2(name)                                                                             \
    int name(int folder, const char *path, int flags)                                              \
    {                                                                                              \
        REAL(int, #name, int, const char *, int);                                                  \
        return on_open(folder, path, flags) ? -1 : real(folder, path, flags);                      \
    }
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

#define CREAT(name)                                                                                \
    int name(const char *path, mode_t mode)                                                        \
    {                                                                                              \
        REAL(int, #name, const char *, mode_t);                                                    \
        int refused = on_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC);                       \
        return refused ? -1 : real(path, mode);                                                    \
    }
CREAT(creat)
CREAT(creat64)

#define FOPEN(name)                                                                                \
    FILE *name(const char *path, const char *how)                                                  \
    {                                                                                              \
        int flags = strchr(how, '+') ? O_RDWR : *how == 'r' ? O_RDONLY : O_WRONLY;                 \
        flags |= *how == 'r' ? 0 : *how == 'w' ? O_CREAT | O_TRUNC : O_CREAT;                      \
        REAL(FILE *, #name, const char *, const char *);                                           \
        return on_open(AT_FDCWD, path, flags) ? NULL : real(path, how);                            \
    }
FOPEN(fopen)
FOPEN(fopen64)

DIR *opendir(const char *path)
{
    REAL(DIR *, "opendir", const char *);
    return on_path(AT_FDCWD, path, LOOK) ? NULL : real(path);
}

/* Everything that takes a descriptor first: its type, its name, what it does, its arguments. */
#define ON_FILE(type, name, deed, types, names)                                                    \
    type name types                                                                                \
    {                                                                                              \
        static type(*real) types;                                                                  \
        if (!real)                                                                                 \
            real = (type(*) types)dlsym(RTLD_NEXT, #name);                                         \
        return on_file(fd, deed) ? -1 : real names;                                                \
    }
ON_FILE(ssize_t, read, READ, (int fd, void *to, size_t size), (fd, to, size))
ON_FILE(ssize_t, __read_chk, READ, (int fd, void *to, size_t size, size_t room),
        (fd, to, size, room))
ON_FILE(ssize_t, readv, READ, (int fd, const struct iovec *to, int count), (fd, to, count))
ON_FILE(ssize_t, pread, PAGE(at), (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
ON_FILE(ssize_t, pread64, PAGE(at), (int fd, void *to, size_t size, off64_t at),
        (fd, to, size, at))
ON_FILE(ssize_t, __pread_chk, READ, (int fd, void *to, size_t size, off_t at, size_t room),
        (fd, to, size, at, room))
ON_FILE(ssize_t, __pread64_chk, READ, (int fd, void *to, size_t size, off64_t at, size_t room),
        (fd, to, size, at, room))
ON_FILE(ssize_t, preadv, READ, (int fd, const struct iovec *to, int count, off_t at),
        (fd, to, count, at))
ON_FILE(ssize_t, preadv64, READ, (int fd, const struct iovec *to, int count, off64_t at),
        (fd, to, count, at))
ON_FILE(ssize_t, write, WRITE, (int fd, const void *from, size_t size), (fd, from, size))
ON_FILE(ssize_t, writev, WRITE, (int fd, const struct iovec *from, int count), (fd, from, count))
ON_FILE(ssize_t, pwrite, WRITE, (int fd, const void *from, size_t size, off_t at),
        (fd, from, size, at))
ON_FILE(ssize_t, pwrite64, WRITE, (int fd, const void *from, size_t size, off64_t at),
        (fd, from, size, at))
ON_FILE(ssize_t, pwritev, WRITE, (int fd, const struct iovec *from, int count, off_t at),
        (fd, from, count, at))
ON_FILE(ssize_t, pwritev64, WRITE, (int fd, const struct iovec *from, int count, off64_t at),
        (fd, from, count, at))
ON_FILE(ssize_t, sendfile, WRITE, (int fd, int source, off_t *at, size_t size),
        (fd, source, at, size))
ON_FILE(ssize_t, sendfile64, WRITE, (int fd, int source, off64_t *at, size_t size),
        (fd, source, at, size))
ON_FILE(int, ftruncate, sizing(fd, size), (int fd, off_t size), (fd, size))
ON_FILE(int, ftruncate64, sizing(fd, size), (int fd, off64_t size), (fd, size))
ON_FILE(int, fallocate, WRITE, (int fd, int how, off_t at, off_t size), (fd, how, at, size))
ON_FILE(int, fallocate64, WRITE, (int fd, int how, off64_t at, off64_t size), (fd, how, at, size))
ON_FILE(int, fsync, SYNC, (int fd), (fd))
ON_FILE(int, fdatasync, SYNC, (int fd), (fd))
ON_FILE(int, fchmod, NAME, (int fd, mode_t mode), (fd, mode))

ssize_t copy_file_range(int source, off64_t *from, int fd, off64_t *to, size_t size, unsigned how)
{
    REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
    return on_file(fd, WRITE) ? -1 : real(source, from, fd, to, size, how);
}

/* These answer with the error itself. */
int posix_fallocate(int fd, off_t at, off_t size)
{
    REAL(int, "posix_fallocate", int, off_t, off_t);
    int error = on_file(fd, WRITE);
    return error ? error : real(fd, at, size);
}

int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    REAL(int, "posix_fallocate64", int, off64_t, off64_t);
    int error = on_file(fd, WRITE);
    return error ? error : real(fd, at, size);
}

/* Everything that takes a path first, or a folder's descriptor and a path. */
#define ON_PATH(name, folder, deed, types, names)                                                  \
    int name types                                                                                 \
    {                                                                                              \
        static int(*real) types;                                                                   \
        if (!real)                                                                                 \
            real = (int(*) types)dlsym(RTLD_NEXT, #name);                                          \
        return on_path(folder, path, deed) ? -1 : real names;                                      \
    }
ON_PATH(truncate, AT_FDCWD, WRITE, (const char *path, off_t size), (path, size))
ON_PATH(truncate64, AT_FDCWD, WRITE, (const char *path, off64_t size), (path, size))
ON_PATH(unlink, AT_FDCWD, NAME, (const char *path), (path))
ON_PATH(unlinkat, folder, NAME, (int folder, const char *path, int how), (folder, path, how))
ON_PATH(rmdir, AT_FDCWD, NAME, (const char *path), (path))
ON_PATH(chmod, AT_FDCWD, NAME, (const char *path, mode_t mode), (path, mode))
ON_PATH(fchmodat, folder, NAME, (int folder, const char *path, mode_t mode, int how),
        (folder, path, mode, how))
ON_PATH(rename, AT_FDCWD, NAME, (const char *path, const char *to), (path, to))
ON_PATH(renameat, folder, NAME, (int folder, const char *path, int other, const char *to),
        (folder, path, other, to))
ON_PATH(renameat2, folder, NAME,
        (int folder, const char *path, int other, const char *to, unsigned int how),
        (folder, path, other, to, how))

/* A folder that is there is said to be there, also on a disk that takes nothing. */
int mkdirat(int folder, const char *path, mode_t mode)
{
    REAL(int, "mkdirat", int, const char *, mode_t);
    int asks = is_bad() && !is_there(folder, path);
    return asks && on_path(folder, path, FOLDER) ? -1 : real(folder, path, mode);
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
