// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "parse.h"

#define GROUPS_MAX	256

/* From the file itself: a static program has no other databases. */
static bool find_user(struct caller *c, const char *name)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p;

	while (f && (p = fgetpwent(f)) && (name ? strcmp(p->pw_name, name) : p->pw_uid != c->uid))
		;
	if (!f || !p) {
		if (f)
			fclose(f);
		return false;
	}
	if (name)
		c->gid = p->pw_gid;
	c->uid = p->pw_uid;
	snprintf(c->name, sizeof(c->name), "%s", p->pw_name);
	snprintf(c->home, sizeof(c->home), "%s", p->pw_dir);
	fclose(f);
	return true;
}

static bool number_of(const char *text, uint32_t *id)
{
	uint64_t v;

	if (!text || parse_u64(text, 0, UINT_MAX - 1, &v))
		return false;
	*id = (uint32_t)v;
	return true;
}

int caller_of_sudo(uid_t *uid, gid_t *gid)
{
	const char *user = getenv("SUDO_UID"), *group = getenv("SUDO_GID");

	if (geteuid() || (!user && !group))
		return 0;
	return number_of(user, uid) && number_of(group, gid) ? 1 : -EINVAL;
}

int caller_find(struct caller *c, const char *name)
{
	int err;

	*c = (struct caller){ 0 };
	if (name) {
		c->known = true;
		return find_user(c, name) ? 0 : -ENOENT;
	}
	err = caller_of_sudo(&c->uid, &c->gid);
	if (err <= 0)
		return err;
	c->known = true;
	find_user(c, NULL);
	return 0;
}

static int set_groups(const struct caller *c)
{
	gid_t groups[GROUPS_MAX] = { c->gid };
	FILE *f = fopen("/etc/group", "re");
	struct group *g;
	size_t n = 1;

	while (f && c->name[0] && n < GROUPS_MAX && (g = fgetgrent(f))) {
		for (char **m = g->gr_mem; *m; m++) {
			if (!strcmp(*m, c->name) && n < GROUPS_MAX)
				groups[n++] = g->gr_gid;
		}
	}
	if (f)
		fclose(f);
	return setgroups(n, groups) ? -errno : 0;
}

int caller_become(const struct caller *c)
{
	int err;

	if (!c->known || c->uid == geteuid())
		return 0;
	err = set_groups(c);
	if (err)
		return err;
	if (setgid(c->gid) || setuid(c->uid))
		return -errno;
	if (!c->name[0])
		return 0;
	if (setenv("USER", c->name, 1) || setenv("LOGNAME", c->name, 1) || setenv("HOME", c->home, 1))
		return -errno;
	return 0;
}
