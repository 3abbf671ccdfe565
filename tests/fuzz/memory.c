// SPDX-License-Identifier: GPL-2.0-only
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define RECORDING	(NOWHERE + 1)	/* what standard input is a copy of */

static const uint8_t *left;
static size_t nleft;

int __wrap_dup(int fd);
int __wrap_close(int fd);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_isatty(int fd);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
int __wrap_strcmp(const char *a, const char *b);
int __real_dup(int fd);
int __real_close(int fd);
int __real_fstat(int fd, struct stat *st);
int __real_isatty(int fd);
ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __real_write(int fd, const void *buf, size_t n);

void memory_use(const uint8_t *data, size_t size)
{
	left = data;
	nleft = size;
}

int __wrap_dup(int fd)
{
	return fd == STDIN_FILENO ? RECORDING : __real_dup(fd);
}

int __wrap_close(int fd)
{
	return fd >= NOWHERE ? 0 : __real_close(fd);
}

int __wrap_fstat(int fd, struct stat *st)
{
	if (fd < NOWHERE)
		return __real_fstat(fd, st);
	*st = (struct stat){ .st_mode = fd == RECORDING ? S_IFREG : S_IFCHR };
	return 0;
}

int __wrap_isatty(int fd)
{
	return fd >= NOWHERE ? 0 : __real_isatty(fd);
}

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
	if (fd != RECORDING)
		return __real_read(fd, buf, n);
	if (n > nleft)
		n = nleft;
	memcpy(buf, left, n);
	left += n;
	nleft -= n;
	return (ssize_t)n;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	if (fd != NOWHERE)
		return __real_write(fd, buf, n);
	if (__asan_region_is_poisoned((void *)buf, n))
		abort();
	return (ssize_t)n;
}

/* Each look-up of a text is ten of them, and libFuzzer keeps the words of each: a third of a page in Chinese. */
__attribute__((no_sanitize("coverage"))) int __wrap_strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}
