/* What every shim in front of glibc's file calls needs: which file a call is about. */
#ifndef DISK_PATHS_H
#define DISK_PATHS_H
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real)                                                                                     \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode = va_arg(more, mode_t);                                                               \
        va_end(more);                                                                              \
    }

static int is_below(const char *folder, const char *path)
{
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

static int is_there(int folder, const char *path)
{
    struct stat found;
    return !fstatat(folder, path, &found, AT_SYMLINK_NOFOLLOW);
}

/* Where an open file lies; 0: nowhere. */
static int path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return 1;
}

/* A path, absolute and without symbolic links; its last part need not exist. 0: there is none. */
static int resolve(int folder, const char *path, char real[PATH_MAX])
{
    char start[PATH_MAX] = "", joined[2 * PATH_MAX];
    if (path[0] != '/' && folder == AT_FDCWD) {
        if (!getcwd(start, sizeof start))
            return 0;
    } else if (path[0] != '/') {
        if (!path_of(folder, start))
            return 0;
    }
    snprintf(joined, sizeof joined, "%s%s%s", start, start[0] ? "/" : "", path);
    if (realpath(joined, real))
        return 1;
    char *last = strrchr(joined, '/');
    *last = 0;
    if (!realpath(joined[0] ? joined : "/", real)) {
        size_t length = strlen(joined);
        return length < PATH_MAX && memcpy(real, joined, length + 1);
    }
    if (strlen(real) + strlen(last + 1) + 2 > PATH_MAX)
        return 0;
    strcat(strcat(real, "/"), last + 1);
    return 1;
}
#endif
