// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage's own network namespace: making it, its sysctls, its counters, and
 * routes that lead from one of our addresses to another through a device.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/readfile.h"
#include "../source/snmp.h"
#include "stage.h"

int interface_up(const char *name)
{
	struct ifreq ifr = { 0 };
	int err = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		err = -errno;
	ifr.ifr_flags |= IFF_UP;
	if (!err && ioctl(fd, SIOCSIFFLAGS, &ifr))
		err = -errno;
	close(fd);
	return err;
}

int netns_make(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	return interface_up("lo");
}

/* /proc/sys/net is that of the namespace of whoever opens it. */
#define SYSCTLS		"/proc/sys/net/"

void sysctl_set(struct stage *s, const char *name, int64_t value)
{
	char path[128], text[32];
	int fd, n = snprintf(text, sizeof(text), "%lld\n", (long long)value);

	snprintf(path, sizeof(path), SYSCTLS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)n) != n)
		stage_fail(s, N_("cannot set net/%s to %lld: %s"), name, (long long)value, strerror(errno));
	close(fd);
}

int64_t sysctl_get(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), SYSCTLS "%s", name);
	return read_file(path, text, sizeof(text)) > 0 ? strtoll(text, NULL, 0) : -1;
}

int64_t counter(const char *name)
{
	struct snmp_key keys[] = { { "TcpExt", name }, { "Tcp", name }, { "MPTcpExt", name } };
	uint64_t values[3];

	if (snmp_read(keys, values, 3))
		return -1;
	for (unsigned int i = 0; i < 3; i++)
		if (values[i] != SNMP_UNKNOWN)
			return (int64_t)values[i];
	return -1;
}

/* ---- routes ---- */

struct rule_request {
	struct nlmsghdr nh;
	struct fib_rule_hdr rule;
	char attributes[64];
};

static void add_attribute(struct rule_request *r, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->nh.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	r->nh.nlmsg_len = NLMSG_ALIGN(r->nh.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static int ask(int fd, const struct nlmsghdr *nh)
{
	struct { struct nlmsghdr nh; struct nlmsgerr err; char rest[256]; } ack = { .err.error = -EIO };

	if (send(fd, nh, nh->nlmsg_len, 0) < 0)
		return -errno;
	if (recv(fd, &ack, sizeof(ack), 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)))
		return -errno;
	return ack.err.error;
}

static int rule(int fd, unsigned short type, uint32_t priority, uint8_t table, const char *iif)
{
	struct rule_request r = {
		.nh = { NLMSG_LENGTH(sizeof(r.rule)), type, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
		.rule = { .family = AF_INET, .table = table, .action = FR_ACT_TO_TBL },
	};

	if (type == RTM_NEWRULE)
		r.nh.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	add_attribute(&r, FRA_PRIORITY, &priority, sizeof(priority));
	if (iif)
		add_attribute(&r, FRA_IIFNAME, iif, strlen(iif) + 1);
	return ask(fd, &r.nh);
}

/* A packet to one of our own addresses would take the loopback: let only what came by the device. */
static int rules(const char *device)
{
	int err, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	err = rule(fd, RTM_NEWRULE, 10, RT_TABLE_LOCAL, device);
	if (!err)
		err = rule(fd, RTM_NEWRULE, 20, RT_TABLE_MAIN, NULL);
	if (!err)
		err = rule(fd, RTM_NEWRULE, 30, RT_TABLE_LOCAL, NULL);
	if (!err)
		err = rule(fd, RTM_DELRULE, 0, RT_TABLE_LOCAL, NULL);
	close(fd);
	return err;
}

static struct sockaddr address(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct sockaddr sa;

	inet_pton(AF_INET, text, &a.sin_addr);
	memcpy(&sa, &a, sizeof(sa));
	return sa;
}

static int route(int fd, const char *device, const char *to, const char *mask)
{
	struct rtentry rt = {
		.rt_dst = address(to), .rt_genmask = address(mask), .rt_flags = RTF_UP,
		.rt_dev = (char *)(uintptr_t)device,
	};

	return ioctl(fd, SIOCADDRT, &rt) && errno != EEXIST ? -errno : 0;
}

int netns_route_by(const char *device)
{
	int err, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	err = route(fd, device, "10.0.0.1", "255.255.255.255");
	if (!err)
		err = route(fd, device, "10.0.0.2", "255.255.255.255");
	if (!err)
		err = route(fd, device, "10.0.1.0", "255.255.255.0");
	close(fd);
	return err ? err : rules(device);
}
