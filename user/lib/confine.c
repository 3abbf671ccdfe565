// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seccomp filters are a comparison of the number of the system call with each of a list, in the order of the list.
 * What libc calls where differs from one release to the next, so that the lists have both forms (open and openat).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

int confine_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct cap[2];

	if (syscall(SYS_capget, &head, cap))
		return -errno;
	/* may fail where CAP_SETPCAP is not ours: without the capability itself the set gives nothing either */
	for (unsigned int i = 0; i < 64 && prctl(PR_CAPBSET_READ, i) >= 0; i++) {
		if (!(keep >> i & 1))
			prctl(PR_CAPBSET_DROP, i);
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
	for (int i = 0; i < 2; i++) {
		cap[i].effective &= (uint32_t)(keep >> 32 * i);
		cap[i].permitted &= (uint32_t)(keep >> 32 * i);
		cap[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, cap) || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L))
		return -errno;
	return 0;
}

/* ---- system calls ---- */

#ifdef __x86_64__
#define AUDIT_HERE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_HERE	AUDIT_ARCH_AARCH64
#else
#error "which architecture do its system calls belong to? (linux/audit.h)"
#endif

/* memory, time, the end */
#define ALWAYS											\
	SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_close, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_mmap,	\
	SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_mprotect, SYS_futex, SYS_clock_gettime, SYS_gettimeofday,	\
	SYS_clock_nanosleep, SYS_nanosleep, SYS_ppoll, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_rt_sigreturn,	\
	SYS_sigaltstack, SYS_restart_syscall, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_exit, SYS_exit_group, SYS_fcntl,	\
	SYS_dup, SYS_getrandom, SYS_set_robust_list, SYS_rseq, SYS_sched_yield

static const unsigned short http_calls[] = {
	ALWAYS, SYS_accept4, SYS_recvfrom, SYS_sendto, SYS_shutdown,
#ifdef __x86_64__
	SYS_poll,
#endif
};

static const unsigned short replay_calls[] = {
	ALWAYS, SYS_openat, SYS_pread64, SYS_pwrite64, SYS_ioctl, SYS_dup3, SYS_pselect6, SYS_renameat, SYS_renameat2,
	SYS_unlinkat, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fchmod, SYS_fchown, SYS_umask, SYS_readlinkat, SYS_faccessat,
	SYS_getdents64, SYS_pipe2, SYS_setitimer, SYS_wait4, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_uname, SYS_statx,
	SYS_sysinfo, SYS_getcwd, SYS_kill, SYS_getpgid, SYS_setpgid, SYS_getrusage, SYS_times, SYS_prlimit64, SYS_memfd_create,
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef __x86_64__
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_poll, SYS_select, SYS_rename, SYS_unlink, SYS_readlink, SYS_dup2,
	SYS_alarm, SYS_time, SYS_getpgrp,
#endif
};

#define CALLS_MAX	128u

static const struct {
	const unsigned short *calls;
	unsigned int n;
	uint32_t otherwise;
} lists[] = {
	[CONFINE_HTTP]   = { http_calls, sizeof(http_calls) / sizeof(*http_calls), SECCOMP_RET_ERRNO | EPERM },
	[CONFINE_REPLAY] = { replay_calls, sizeof(replay_calls) / sizeof(*replay_calls), SECCOMP_RET_TRAP },
};

static char *decimal(char *end, unsigned int n)
{
	do {
		*--end = (char)('0' + n % 10);
	} while (n /= 10);
	return end;
}

/* SIGSYS: nothing but write() and _exit() is safe here. */
static void on_refused(int sig, siginfo_t *info, void *context)
{
	static const char before[] = "tcptrace: refused by its own seccomp filter: system call ";
	char digits[16], *p = decimal(digits + sizeof(digits) - 1, (unsigned int)info->si_syscall);

	(void)sig;
	(void)context;
	digits[sizeof(digits) - 1] = '\n';
	if (write(STDERR_FILENO, before, sizeof(before) - 1) < 0 ||
	    write(STDERR_FILENO, p, (size_t)(digits + sizeof(digits) - p)) < 0)
		_exit(2);
	_exit(1);
}

int confine_calls(enum confine what)
{
	struct sock_filter f[CALLS_MAX + 8];
	struct sock_fprog prog = { .filter = f };
	struct sigaction sa = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };
	unsigned int n = 0, left = lists[what].n;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_HERE, 1, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned int i = 0; i < lists[what].n; i++, left--)
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, lists[what].calls[i], left, 0);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, lists[what].otherwise);
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	if (what == CONFINE_REPLAY)
		sigaction(SIGSYS, &sa, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) || prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &prog))
		return -errno;
	return 0;
}

_Static_assert(sizeof(replay_calls) / sizeof(*replay_calls) <= CALLS_MAX, "and a jump reaches 255");
