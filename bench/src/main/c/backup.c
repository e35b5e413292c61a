/*
 * The least that a backup can cost: reads a disk in chunks of 4 MiB with two threads, leaves out zeroes, hashes, compresses
 * what is worth it, writes all into one file, and syncs that. Nothing is looked up, and nothing can be restored.
 *
 *   backup IMAGE TARGET [CHUNK...]   these chunks only, by number, if any are given
 *   backup IMAGE -                   reads and hashes only, as for a backup in which nothing is new
 *
 * cc -O2 -o backup backup.c -lzstd -lcrypto -lpthread
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK = 4 << 20, TRIAL = 64 << 10, THREADS = 2, LEVEL = 1 };

static int image;
static int target;
static off_t size;
static long count;
static long *chosen;
static atomic_long next;
static atomic_llong end;
static const char zeroes[CHUNK];

static void check(int is_good, const char *what) {
    if (!is_good) {
        perror(what);
        exit(1);
    }
}

static void write_all(const char *from, size_t length) {
    long long at = atomic_fetch_add(&end, (long long)length);
    while (length > 0) {
        ssize_t written = pwrite(target, from, length, at);
        check(written > 0, "write");
        from += written;
        at += written;
        length -= (size_t)written;
    }
}

static void one(long number, char *plain, char *packed, size_t bound, ZSTD_CCtx *zstd) {
    off_t offset = (off_t)number * CHUNK;
    off_t hole = lseek(image, offset, SEEK_DATA);
    if (hole < 0 ? errno == ENXIO : hole >= offset + CHUNK) {
        return;
    }
    size_t length = (size_t)(size - offset < CHUNK ? size - offset : CHUNK);
    for (size_t got = 0; got < length;) {
        ssize_t read = pread(image, plain + got, length - got, offset + (off_t)got);
        check(read > 0, "read");
        got += (size_t)read;
    }
    if (memcmp(plain, zeroes, length) == 0) {
        return;
    }
    unsigned char id[EVP_MAX_MD_SIZE];
    check(EVP_Digest(plain, length, id, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
    if (target < 0) {
        return;
    }
    size_t trial = length < TRIAL ? length : TRIAL;
    size_t stored = ZSTD_compressCCtx(zstd, packed, bound, plain, trial, LEVEL);
    if (!ZSTD_isError(stored) && stored < trial / 100 * 95) {
        stored = ZSTD_compressCCtx(zstd, packed, bound, plain, length, LEVEL);
        if (!ZSTD_isError(stored) && stored < length) {
            write_all(packed, stored);
            return;
        }
    }
    write_all(plain, length);
}

static void *work(void *unused) {
    (void)unused;
    size_t bound = ZSTD_compressBound(CHUNK);
    char *plain = malloc(CHUNK);
    char *packed = malloc(bound);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    check(plain && packed && zstd, "memory");
    for (long i = atomic_fetch_add(&next, 1); i < count; i = atomic_fetch_add(&next, 1)) {
        one(chosen ? chosen[i] : i, plain, packed, bound, zstd);
    }
    ZSTD_freeCCtx(zstd);
    free(plain);
    free(packed);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("backup IMAGE TARGET [CHUNK...]\n", stderr);
        return 2;
    }
    struct stat status;
    image = open(argv[1], O_RDONLY | O_CLOEXEC);
    check(image >= 0 && fstat(image, &status) == 0, argv[1]);
    size = status.st_size;
    int is_hashed_only = strcmp(argv[2], "-") == 0;
    target = is_hashed_only ? -1 : open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(is_hashed_only || target >= 0, argv[2]);
    count = (long)((size + CHUNK - 1) / CHUNK);
    if (argc > 3) {
        count = argc - 3;
        chosen = calloc((size_t)count, sizeof *chosen);
        check(chosen != NULL, "memory");
        for (long i = 0; i < count; i++) {
            chosen[i] = strtol(argv[i + 3], NULL, 10);
        }
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        check((errno = pthread_create(&threads[i], NULL, work, NULL)) == 0, "thread");
    }
    for (int i = 0; i < THREADS; i++) {
        check((errno = pthread_join(threads[i], NULL)) == 0, "thread");
    }
    check(is_hashed_only || (fsync(target) == 0 && close(target) == 0), argv[2]);
    return 0;
}
