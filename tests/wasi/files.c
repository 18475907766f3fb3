// SPDX-License-Identifier: GPL-3.0-or-later
// An ordinary program's files, in the folder that it was started in: printed must be what the same
// program prints on Linux.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

// The call and what it gave, with errno's words where it failed.
#define SAY(call)                                                                                  \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long got_ = (long)(call);                                                                  \
        printf("%s: %ld%s%s\n", #call, got_, got_ < 0 ? " " : "",                                  \
               got_ < 0 ? strerror(errno) : "");                                                   \
    } while (0)

static void streams(void)
{
    char line[64];
    FILE *file = fopen("lines", "w+");
    for (int i = 0; i < 1000; i++) {
        fprintf(file, "line %d\n", i);
    }
    SAY(ftell(file));
    SAY(fseek(file, 5000, SEEK_SET));
    SAY(fgets(line, sizeof line, file) != NULL);
    printf("%s", line);
    SAY(fseek(file, -9, SEEK_END));
    while (fgets(line, sizeof line, file) != NULL) {
        printf("%s", line);
    }
    SAY(feof(file) != 0);
    rewind(file);
    fputs("LINE", file);
    SAY(fflush(file));
    SAY(fseek(file, 0, SEEK_SET));
    SAY(fgetc(file));
    SAY(fclose(file));
    file = fopen("lines", "a");
    fputs("last\n", file);
    SAY(ftell(file) > 0);
    SAY(fclose(file));
    file = freopen("lines", "r", stdin);
    SAY(fscanf(file, "%63s", line));
    printf("%s\n", line);
    SAY(fopen("nothing", "r") == NULL);
    SAY(errno == ENOENT);
    SAY(remove("lines"));
}

static void descriptors(void)
{
    char buffer[32] = {0};
    struct stat status;
    struct iovec parts[3] = {{"one", 3}, {"", 0}, {"two", 3}};
    struct iovec into[2] = {{buffer, 4}, {buffer + 10, 20}};
    int file = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);
    SAY(file >= 3);
    SAY(open("file", O_RDWR | O_CREAT | O_EXCL, 0644));
    SAY(writev(file, parts, 3));
    SAY(pwrite(file, "x", 1, 1));
    SAY(pread(file, buffer, 3, 3));
    SAY(lseek(file, 0, SEEK_CUR));
    SAY(lseek(file, -100, SEEK_CUR));
    SAY(lseek(file, 100, SEEK_SET));
    SAY(write(file, "far", 3));
    SAY(fstat(file, &status));
    SAY(status.st_size);
    SAY(S_ISREG(status.st_mode) != 0);
    SAY(status.st_nlink);
    SAY(ftruncate(file, 5));
    SAY(ftruncate(file, -1));
    SAY(lseek(file, 0, SEEK_SET));
    SAY(readv(file, into, 2));
    printf("%.4s %.1s\n", buffer, buffer + 10);
    SAY(read(file, buffer, 1));
    SAY(fsync(file));
    SAY(fdatasync(file));
    SAY(posix_fallocate(file, 0, 4000));
    SAY(lseek(file, 0, SEEK_END));
    SAY(posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL));
    SAY(close(file));
    SAY(close(file));
    SAY(read(file, buffer, 1));
    file = open("file", O_RDONLY);
    SAY(write(file, "x", 1));
    SAY(close(file));
    file = open("file", O_WRONLY | O_TRUNC | O_APPEND);
    SAY(read(file, buffer, 1));
    SAY(write(file, "ab", 2));
    SAY(lseek(file, 0, SEEK_SET));
    SAY(write(file, "cd", 2));
    SAY(lseek(file, 0, SEEK_CUR));
    SAY((fcntl(file, F_GETFL) & O_APPEND) != 0);
    SAY(close(file));
    SAY(unlink("file"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The names of a folder in order, and what kind each is.
static void list(const char *path)
{
    char *names[64];
    int count = 0;
    DIR *folder = opendir(path);
    struct dirent *entry;
    printf("%s:", path);
    while (folder != NULL && (entry = readdir(folder)) != NULL && count < 64) {
        names[count] = malloc(strlen(entry->d_name) + 3);
        sprintf(names[count++], "%s%s", entry->d_name,
                entry->d_type == DT_DIR   ? "/"
                : entry->d_type == DT_LNK ? "@"
                                          : "");
    }
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    printf("\n");
    if (folder != NULL) {
        closedir(folder);
    }
}

static void make(const char *path)
{
    FILE *file = fopen(path, "w");
    fputs(path, file);
    fclose(file);
}

static void folders(void)
{
    struct stat status;
    char target[32] = {0};
    SAY(mkdir("a", 0755));
    SAY(mkdir("a", 0755));
    SAY(mkdir("a/b", 0755));
    SAY(mkdir("x/y", 0755));
    make("a/one");
    make("a/b/two");
    list(".");
    list("a");
    SAY(rename("a/one", "a/b/one"));
    SAY(rename("a/b", "b"));
    SAY(rename("nothing", "b"));
    SAY(rename("b", "a/none/b"));
    list("b");
    SAY(symlink("../b/two", "a/link"));
    SAY(readlink("a/link", target, sizeof target));
    printf("%s\n", target);
    SAY(lstat("a/link", &status));
    SAY(S_ISLNK(status.st_mode) != 0);
    SAY(stat("a/link", &status));
    SAY(status.st_size);
    SAY(link("b/two", "b/too"));
    SAY(stat("b/too", &status));
    SAY(status.st_nlink);
    list("a");
    list("b");
    SAY(rmdir("b"));
    SAY(unlink("a"));
    SAY(rmdir("b/two"));
    SAY(access("b/two", R_OK | W_OK));
    SAY(access("b/three", F_OK));
    SAY(open("b", O_WRONLY));
    SAY(open("b/two", O_RDONLY | O_DIRECTORY));
    SAY(open("a/link", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
    SAY(unlink("b/two"));
    SAY(stat("a/link", &status));
    SAY(opendir("b/too") == NULL);
    SAY(opendir("c") == NULL);
    SAY(unlink("a/link") + unlink("b/one") + unlink("b/too") + rmdir("a") + rmdir("b"));
    list(".");
}

static void many(void)
{
    enum { MANY = 500 };
    static FILE *files[MANY];
    char name[32];
    int sum = 0;
    SAY(mkdir("many", 0755));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "many/file-with-a-long-name-%d", i);
        files[i] = fopen(name, "w+");
        fprintf(files[i], "%d", i);
    }
    for (int i = 0; i < MANY; i++) {
        int value = 0;
        rewind(files[i]);
        sum += fscanf(files[i], "%d", &value) == 1 ? value : -1;
        fclose(files[i]);
    }
    SAY(sum);
    DIR *folder = opendir("many");
    struct dirent *entry;
    int count = 0;
    while ((entry = readdir(folder)) != NULL) { // removed while it is listed
        if (entry->d_name[0] != '.') {
            char path[300];
            snprintf(path, sizeof path, "many/%s", entry->d_name);
            count += unlink(path) == 0;
        }
    }
    closedir(folder);
    SAY(count);
    SAY(rmdir("many"));
}

static void times(void)
{
    struct timespec when[2] = {{1000000000, 5}, {1100000000, 7}};
    struct stat status;
    make("timed");
    SAY(utimensat(AT_FDCWD, "timed", when, 0));
    SAY(stat("timed", &status));
    SAY(status.st_atim.tv_sec);
    SAY(status.st_mtim.tv_sec);
    SAY(status.st_mtim.tv_nsec);
    int file = open("timed", O_RDWR);
    when[0].tv_nsec = UTIME_OMIT;
    when[1].tv_sec = 3;
    SAY(futimens(file, when));
    SAY(fstat(file, &status));
    SAY(status.st_atim.tv_sec);
    SAY(status.st_mtim.tv_sec);
    SAY(close(file));
    SAY(unlink("timed"));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    descriptors();
    folders();
    many();
    times();
    streams();
    return 0;
}
