/*
 * The other ends of transfers, and the least that a transfer can cost.
 *
 *   peer drain splice|copy pipe|socket PATH   makes PATH, prints "ready", and reads what the first who opens it writes;
 *                                             then "BYTES BEGIN END", in nanoseconds of the monotonic clock
 *   peer to pipe|socket PATH COMMAND...       runs the command, whose standard output is PATH
 *   peer sendfile FILE PIPE_BYTES             writes the size, eight bytes, and the file to its standard output, a pipe
 *                                             of at least so many bytes; 0 leaves it as it is
 *   peer zeroes BYTES                         writes the size, eight bytes, and so many zeroes to its standard output, a pipe
 *   peer sparse FILE                          reads such a stream from its standard input into a new file, with holes where
 *                                             64 KiB are zero, and syncs it
 *   peer settle FILE                          reads the file, and prints how much of it came from the disk
 *   peer warm BYTES                           uses so much memory and gives it back
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { COPIED = 64 << 10, SPLICED = 1 << 20, SENT = 1 << 30, HOLE = 16 << 20, BLOCK = 64 << 10 };

static void check(int is_good, const char *what) {
    if (!is_good) {
        perror(what);
        exit(1);
    }
}

static long long now(void) {
    struct timespec time;
    check(clock_gettime(CLOCK_MONOTONIC, &time) == 0, "clock_gettime");
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int is_socket(const char *kind) {
    return strcmp(kind, "socket") == 0;
}

static struct sockaddr_un address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    errno = ENAMETOOLONG;
    check(strlen(path) < sizeof address.sun_path, path);
    strcpy(address.sun_path, path);
    return address;
}

static void ready(void) {
    puts("ready");
    fflush(stdout);
}

static int opened(const char *kind, const char *path) {
    if (!is_socket(kind)) {
        check(mkfifo(path, 0600) == 0, path);
        ready();
        int fifo = open(path, O_RDONLY);
        check(fifo >= 0, path);
        return fifo;
    }
    struct sockaddr_un at = address(path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    check(listener >= 0, "socket");
    check(bind(listener, (struct sockaddr *)&at, sizeof at) == 0, path);
    check(listen(listener, 1) == 0, path);
    ready();
    int connection = accept(listener, NULL, NULL);
    check(connection >= 0, "accept");
    return connection;
}

static int drain(const char *how, const char *kind, const char *path) {
    static char buffer[COPIED];
    int is_spliced = strcmp(how, "splice") == 0;
    int from = opened(kind, path);
    int nothing = open("/dev/null", O_WRONLY);
    check(nothing >= 0, "/dev/null");
    long long bytes = 0;
    long long begin = 0;
    while (1) {
        ssize_t got =
            is_spliced ? splice(from, NULL, nothing, NULL, SPLICED, SPLICE_F_MOVE) : read(from, buffer, sizeof buffer);
        check(got >= 0, path);
        if (begin == 0) {
            begin = now();
        }
        if (got == 0) {
            break;
        }
        bytes += got;
    }
    printf("%lld %lld %lld\n", bytes, begin, now());
    check(unlink(path) == 0, path);
    return 0;
}

static int to(const char *kind, const char *path, char **command) {
    int sink;
    if (is_socket(kind)) {
        struct sockaddr_un at = address(path);
        sink = socket(AF_UNIX, SOCK_STREAM, 0);
        check(sink >= 0 && connect(sink, (struct sockaddr *)&at, sizeof at) == 0, path);
    } else {
        sink = open(path, O_WRONLY);
        check(sink >= 0, path);
    }
    check(dup2(sink, STDOUT_FILENO) >= 0 && close(sink) == 0, "dup2");
    execvp(command[0], command);
    check(0, command[0]);
    return 1;
}

static int send_file(const char *path, int pipe_bytes) {
    int file = open(path, O_RDONLY);
    struct stat status;
    check(file >= 0 && fstat(file, &status) == 0, path);
    if (pipe_bytes > 0) {
        /* A socket has no such size. */
        (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, pipe_bytes);
    }
    uint64_t size = status.st_size;
    check(write(STDOUT_FILENO, &size, sizeof size) == sizeof size, "write");
    off_t at = 0;
    while (at < status.st_size) {
        check(sendfile(STDOUT_FILENO, file, &at, SENT) > 0, "sendfile");
    }
    return 0;
}

static int send_zeroes(uint64_t size) {
    int hole = memfd_create("hole", 0);
    check(hole >= 0 && ftruncate(hole, HOLE) == 0, "memfd_create");
    (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, SPLICED);
    check(write(STDOUT_FILENO, &size, sizeof size) == sizeof size, "write");
    for (uint64_t left = size; left > 0;) {
        off_t at = 0;
        ssize_t sent = sendfile(STDOUT_FILENO, hole, &at, left < HOLE ? left : HOLE);
        check(sent > 0, "sendfile");
        left -= sent;
    }
    return 0;
}

/* The kernel gives what is there, which is less than was asked for; returns less only at the end. */
static size_t read_all(char *buffer, size_t size) {
    size_t got = 0;
    while (got < size) {
        ssize_t more = read(STDIN_FILENO, buffer + got, size - got);
        check(more >= 0, "read");
        if (more == 0) {
            break;
        }
        got += more;
    }
    return got;
}

static int take_sparse(const char *path) {
    static char buffer[SPLICED];
    static const char zeroes[BLOCK];
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    check(file >= 0, path);
    uint64_t size;
    (void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, SPLICED);
    check(read_all((char *)&size, sizeof size) == sizeof size, "the size");
    off_t at = 0;
    size_t got;
    while ((got = read_all(buffer, sizeof buffer)) > 0) {
        for (size_t begin = 0; begin < got; begin += BLOCK) {
            size_t length = got - begin < BLOCK ? got - begin : BLOCK;
            if (memcmp(buffer + begin, zeroes, length) != 0) {
                check(pwrite(file, buffer + begin, length, at + begin) == (ssize_t)length, path);
            }
        }
        at += got;
    }
    errno = EPIPE;
    check((uint64_t)at == size, "the end");
    check(ftruncate(file, at) == 0 && fsync(file) == 0, path);
    return 0;
}

static long long read_from_disk(void) {
    FILE *io = fopen("/proc/self/io", "r");
    check(io != NULL, "/proc/self/io");
    char line[256];
    long long bytes = -1;
    while (fgets(line, sizeof line, io) != NULL) {
        (void)sscanf(line, "read_bytes: %lld", &bytes);
    }
    fclose(io);
    check(bytes >= 0, "/proc/self/io");
    return bytes;
}

static int settle(const char *path) {
    static char buffer[SPLICED];
    int file = open(path, O_RDONLY);
    check(file >= 0, path);
    long long before = read_from_disk();
    ssize_t got;
    while ((got = read(file, buffer, sizeof buffer)) > 0) {
    }
    check(got == 0, path);
    printf("%lld\n", read_from_disk() - before);
    return 0;
}

static int warm(size_t bytes) {
    char *memory = malloc(bytes);
    check(memory != NULL, "malloc");
    memset(memory, 1, bytes);
    /* Or the compiler leaves it out. */
    __asm__ volatile("" : : "r"(memory) : "memory");
    free(memory);
    return 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (strcmp(what, "drain") == 0 && count == 5) {
        return drain(words[2], words[3], words[4]);
    } else if (strcmp(what, "to") == 0 && count > 4) {
        return to(words[2], words[3], words + 4);
    } else if (strcmp(what, "sendfile") == 0 && count == 4) {
        return send_file(words[2], atoi(words[3]));
    } else if (strcmp(what, "zeroes") == 0 && count == 3) {
        return send_zeroes(strtoull(words[2], NULL, 10));
    } else if (strcmp(what, "sparse") == 0 && count == 3) {
        return take_sparse(words[2]);
    } else if (strcmp(what, "settle") == 0 && count == 3) {
        return settle(words[2]);
    } else if (strcmp(what, "warm") == 0 && count == 3) {
        return warm(strtoull(words[2], NULL, 10));
    }
    fputs("usage: peer drain|to|sendfile|zeroes|sparse|settle|warm ...\n", stderr);
    return 2;
}
