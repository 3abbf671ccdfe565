// SPDX-License-Identifier: GPL-2.0-only
/* Paths of cgroups as container runtimes and systemd make them, and as nobody does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/source/source.h"

#define ID	"3f1c0b9d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8"
#define ID2	"aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999"
#define UID	"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UID_	"0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9"
#define STATIC	"5e0aa1f2b3c4d5e6f708192a3b4c5d6e"
#define SHORT	"3f1c0b9d2e4a"

static const struct {
	const char *path, *unit, *pod_uid, *container, *id;
} paths[] = {
	/* systemd */
	{ "/", "", "", "", "" },
	{ "", "", "", "", "" },
	{ "/system.slice/nginx.service", "nginx.service", "", "", "" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "", "", "" },
	{ "/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql@15-main.service", "", "", "" },
	{ "/system.slice/docker.service", "docker.service", "", "", "" },
	{ "/system.slice/a.service/worker", "a.service", "", "", "" },
	{ "/system.slice/a.service (deleted)", "a.service", "", "", "" },
	{ "/init.scope", "", "", "", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope", "", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service", "syncthing.service", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-x\\x2dterm-77.scope",
	  "app-gnome-x\\x2dterm-77.scope", "", "", "" },
	{ "/system.slice/snap.lxd.daemon.service", "snap.lxd.daemon.service", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox-1a2b.scope",
	  "snap.firefox.firefox-1a2b.scope", "", "", "" },
	/* docker, podman, nerdctl */
	{ "/system.slice/docker-" ID ".scope", "", "", SHORT, ID },
	{ "/docker/" ID, "", "", SHORT, ID },
	{ "/docker/" ID "/system.slice/nginx.service", "nginx.service", "", SHORT, ID },
	{ "/system.slice/docker-" ID ".scope/init.scope", "", "", SHORT, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", "", "", SHORT, ID },
	{ "/machine.slice/libpod-" ID ".scope/container", "", "", SHORT, ID },
	{ "/machine.slice/libpod-" ID ".scope", "", "", SHORT, ID },
	{ "/libpod_parent/libpod-" ID, "", "", SHORT, ID },
	{ "/machine.slice/machine-libpod_pod_" ID2 ".slice/libpod-" ID ".scope/container", "", "", SHORT, ID },
	{ "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container", "", "", SHORT, ID },
	{ "/system.slice/web.service/libpod-payload-" ID, "web.service", "", SHORT, ID },	/* of Quadlet */
	{ "/system.slice/web.service/libpod-payload-" ID "/system.slice/cron.service", "cron.service", "", SHORT, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-" ID "/container", "web.service",
	  "", SHORT, ID },
	{ "/system.slice/web.service/runtime", "web.service", "", "", "" },
	{ "/system.slice/web.service/libpod-payload-" SHORT, "web.service", "", "", "" },
	{ "/system.slice/nerdctl-" ID ".scope", "", "", SHORT, ID },
	/* Kubernetes: the drivers systemd and cgroupfs; containerd, CRI-O, docker */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope",
	  "", UID, SHORT, ID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope", "", UID, SHORT, ID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope/container", "", UID, SHORT, ID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope", "crio-conmon-" ID ".scope", UID, "", "" },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/docker-" ID ".scope",
	  "", UID, SHORT, ID },
	{ "/kubepods/burstable/pod" UID "/" ID, "", UID, SHORT, ID },
	{ "/kubepods/pod" UID "/" ID, "", UID, SHORT, ID },
	{ "/kubepods/besteffort/pod" UID "/crio-" ID, "", UID, SHORT, ID },
	{ "/kubepods/burstable/pod" STATIC "/" ID, "", STATIC, SHORT, ID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC ".slice/cri-containerd-" ID ".scope",
	  "", STATIC, SHORT, ID },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" ID, "", UID, SHORT, ID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice", "", UID, "", "" },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope", "", UID, SHORT, ID },
	/* nested: kind, dind, systemd in a pod's container */
	{ "/system.slice/docker-" ID2 ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
	  ".slice/cri-containerd-" ID ".scope", "", UID, SHORT, ID },
	{ "/docker/" ID2 "/kubelet/kubepods/besteffort/pod" UID "/" ID, "", UID, SHORT, ID },
	{ "/docker/" ID2 "/docker/" ID, "", "", SHORT, ID },
	{ "/kubepods/pod" UID "/" ID2 "/docker/" ID, "", UID, SHORT, ID },
	{ "/kubepods/pod" UID "/" ID "/system.slice/sshd.service", "sshd.service", UID, SHORT, ID },
	/* LXC, nspawn, ECS */
	{ "/lxc.payload.web/system.slice/nginx.service", "nginx.service", "", "web", "" },
	{ "/lxc.payload/web/init.scope", "", "", "web", "" },
	{ "/lxc/web", "", "", "web", "" },
	{ "/lxc.monitor.web", "", "", "", "" },
	{ "/machine.slice/systemd-nspawn@deb\\x2d12.service/payload/system.slice/cron.service", "cron.service", "", "deb-12", "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator", "", "", "qemu-1-vm", "" },
	{ "/ecs/" STATIC "/" ID, "", "", SHORT, ID },
	{ "/ecs/" STATIC "/" STATIC "-2531612879", "", "", "5e0aa1f2b3c4", STATIC "-2531612879" },
	/* from within a cgroup namespace */
	{ "/../docker-" ID ".scope", "", "", SHORT, ID },
	{ "/../../system.slice/nginx.service", "nginx.service", "", "", "" },
	/* nearly */
	{ "/docker/" SHORT, "", "", "", "" },
	{ "/docker-" ID, "", "", SHORT, ID },
	{ "/system.slice/docker-" ID "x.scope", "docker-" ID "x.scope", "", "", "" },
	{ "/kubepods/podXYZ/" ID, "", "", SHORT, ID },
	{ "/kubepods.slice/kubepods-pod.slice", "", "", "", "" },
	{ "/kubepods.slice/kubepods-pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f/.slice", "", "", "", "" },
	{ "/.scope/.service/.slice/::/:cri-containerd:/lxc./lxc.payload./pod/machine-.scope/systemd-nspawn@.service",
	  "systemd-nspawn@.service", "", "", "" },
	{ "/machine.slice/machine-\\x2f..\\x2f\\x00etc\\x.scope", "", "", "..etc\\x", "" },
	{ "///", "", "", "", "" },
};

static void each_path(void **state)
{
	struct cgroup c;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		cgroup_parse(paths[i].path, &c);
		if (strcmp(c.place.unit, paths[i].unit) || strcmp(c.pod_uid, paths[i].pod_uid) ||
		    strcmp(c.place.container, paths[i].container) || strcmp(c.place.id, paths[i].id) ||
		    c.place.ns[0] || c.place.pod[0])
			fail_msg("%s: unit '%s' pod '%s' container '%s' id '%s'", paths[i].path, c.place.unit, c.pod_uid,
				 c.place.container, c.place.id);
		assert_int_equal(c.outside, !strncmp(paths[i].path, "/..", 3));
	}
}

static void long_names_are_cut(void **state)
{
	char path[4096 + 64];
	struct cgroup c;

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, "/", 1);
	strcpy(path + sizeof(path) - 9, ".service");
	cgroup_parse(path, &c);
	assert_int_equal(strlen(c.place.unit), sizeof(c.place.unit) - 1);
	memcpy(path, "/lxc/", 5);
	strcpy(path + 2000, "");
	cgroup_parse(path, &c);
	assert_int_equal(strlen(c.place.container), sizeof(c.place.container) - 1);
}

static void hierarchies(void **state)
{
	static const struct { const char *text, *unit, *id; } of[] = {
		{ "0::/system.slice/nginx.service\n", "nginx.service", "" },
		/* v1 */
		{ "12:pids:/system.slice/x.service\n4:memory:/\n1:name=systemd:/system.slice/nginx.service\n", "nginx.service", "" },
		{ "11:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n", "", ID },
		{ "11:memory:/docker/" ID "\n", "", ID },
		{ "11:devices:/docker/" ID "\n", "", "" },
		/* hybrid: what is below the unified one may be its runtime's */
		{ "11:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n0::/system.slice/containerd.service\n", "", ID },
		{ "1:name=systemd:/init.scope\n0::/system.slice/nginx.service\n", "nginx.service", "" },
		{ "0::/", "", "" },
		{ "", "", "" },
		{ "\n\n:\n::\n0:\n", "", "" },
		{ "0::/system.slice/a:b.service", "a:b.service", "" },
	};
	struct cgroup c;

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		cgroup_of_process(of[i].text, &c);
		if (strcmp(c.place.unit, of[i].unit) || strcmp(c.place.id, of[i].id))
			fail_msg("%s: unit '%s' id '%s'", of[i].text, c.place.unit, c.place.id);
	}
}

static void text_and_back(void **state)
{
	struct proc_place p = { .unit = "a.service", .ns = "default", .pod = "web-0", .container = "nginx", .id = ID }, q;
	char text[PLACE_TEXT_MAX];
	size_t n = place_to_text(&p, text);

	(void)state;
	assert_int_equal(n, 10 + 8 + 6 + 6 + 65);
	assert_true(place_of_text(&q, text, n));
	assert_memory_equal(&p, &q, sizeof(p));
	assert_true(place_of_text(&q, text, n + 0));
	for (size_t i = 0; i < n; i++)
		assert_false(place_of_text(&q, text, i));
	memset(&p, 'x', sizeof(p));
	assert_false(place_of_text(&q, (char *)&p, sizeof(p)));
	assert_int_equal(place_to_text(&(struct proc_place){ .unit = "" }, text), 0);
}

static const char *name_of(struct proc_place p)
{
	static char name[PLACE_NAME_MAX];

	place_name(&p, name);
	return name;
}

static void one_name(void **state)
{
	struct proc_place p = { .unit = "a.service", .ns = "shop", .pod = "cart-0", .container = "app" };

	(void)state;
	assert_string_equal(name_of(p), "shop/cart-0/app");
	p.ns[0] = 0;
	assert_string_equal(name_of(p), "cart-0/app");
	p.pod[0] = 0;
	assert_string_equal(name_of(p), "app");
	p.container[0] = 0;
	assert_string_equal(name_of(p), "a.service");
	memset(&p, 'x', sizeof(p));
	p.ns[sizeof(p.ns) - 1] = p.pod[sizeof(p.pod) - 1] = p.container[sizeof(p.container) - 1] = 0;
	assert_int_equal(strlen(name_of(p)), PLACE_NAME_MAX - 1);
}

static bool passes(const char *units, const char *pods, const char *containers, const struct proc_place *p)
{
	struct filter f = { .by_place = { units, pods, containers } };

	return filter_has_place(&f, p);
}

static void filters(void **state)
{
	struct proc_place p = { .unit = "a.service", .ns = "shop", .pod = "cart-0", .container = "app", .id = ID };

	(void)state;
	assert_true(passes(NULL, NULL, NULL, NULL));
	assert_false(passes("a.service", NULL, NULL, NULL));
	assert_true(passes("a.service", NULL, NULL, &p));
	assert_true(passes("b.service,a.service", NULL, NULL, &p));
	assert_true(passes("a.service,b", NULL, NULL, &p));
	assert_false(passes("a", NULL, NULL, &p));
	assert_false(passes("a.service2,xa.service", NULL, NULL, &p));
	assert_true(passes(NULL, "cart-0", NULL, &p));
	assert_true(passes(NULL, "x,shop/cart-0", NULL, &p));
	assert_false(passes(NULL, "other/cart-0", NULL, &p));
	assert_false(passes(NULL, "cart-0/app", NULL, &p));
	assert_true(passes(NULL, NULL, "app", &p));
	assert_true(passes(NULL, NULL, "x," SHORT, &p));
	assert_true(passes(NULL, NULL, ID, &p));
	assert_false(passes(NULL, NULL, "3f1c0b9d2e4", &p));
	assert_false(passes(NULL, NULL, ID "0", &p));
	assert_true(passes("a.service", "cart-0", "app", &p));
	assert_false(passes("b.service", "cart-0", "app", &p));
	p.pod[0] = p.unit[0] = p.container[0] = p.id[0] = 0;
	assert_false(passes(NULL, "shop/", NULL, &p));
	assert_false(passes("x", NULL, NULL, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(hierarchies),
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(one_name),
		cmocka_unit_test(filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
