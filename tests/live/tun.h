/* SPDX-License-Identifier: GPL-2.0-only */
/* tun.h - a TUN or TAP device of the process's own, gone when it is closed */
#ifndef LIVE_TUN_H
#define LIVE_TUN_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* address: its own, of a /24. flags: IFF_TUN or IFF_TAP. A descriptor, or -1. */
static int tun_open(const char *name, short flags, const char *address)
{
	struct ifreq ifr = { .ifr_flags = flags | IFF_NO_PI };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_addr;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), s = socket(AF_INET, SOCK_DGRAM, 0);
	int bad;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	bad = fd < 0 || s < 0 || ioctl(fd, TUNSETIFF, &ifr);
	*sin = (struct sockaddr_in){ .sin_family = AF_INET };
	inet_pton(AF_INET, address, &sin->sin_addr);
	bad = bad || ioctl(s, SIOCSIFADDR, &ifr);
	inet_pton(AF_INET, "255.255.255.0", &sin->sin_addr);
	bad = bad || ioctl(s, SIOCSIFNETMASK, &ifr);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	bad = bad || ioctl(s, SIOCSIFFLAGS, &ifr);
	if (s >= 0)
		close(s);
	return bad ? -1 : fd;
}

#endif
