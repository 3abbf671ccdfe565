// SPDX-License-Identifier: GPL-2.0-only
/* sock_from_file() lost its error argument with dba4a9256bb4 (5.11) */
#include <linux/net.h>

struct socket *try(struct file *file, int *err);

struct socket *try(struct file *file, int *err)
{
	return sock_from_file(file, err);
}
