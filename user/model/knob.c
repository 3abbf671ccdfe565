// SPDX-License-Identifier: GPL-2.0-only
/* A table only. The defaults are those of the programs' own documentation. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../lib/tr.h"
#include "knob.h"

static const struct knob knobs[] = {
	{ "nginx", N_("backlog= of its listen directive (nginx.conf; 511 unless set)"), "worker_rlimit_nofile" },
	{ "redis-server", N_("tcp-backlog (redis.conf; 511 unless set)"), "maxclients" },
	{ "valkey-server", N_("tcp-backlog (valkey.conf; 511 unless set)"), "maxclients" },
	{ "node", N_("backlog of server.listen({ port, backlog }) (511 unless set)"), NULL },
	{ "gunicorn*", N_("--backlog (2048 unless set)"), NULL },
	{ "uvicorn*", N_("--backlog (2048 unless set)"), NULL },
	{ "uwsgi*", N_("--listen (100 unless set)"), NULL },
	{ "puma*", N_("backlog of its bind (config/puma.rb; 1024 unless set)"), NULL },
	{ "python*", N_("backlog of its listen() (socketserver: request_queue_size, 5 unless set)"), NULL },
	{ "java", N_("backlog of its ServerSocket (Tomcat: acceptCount, 100 unless set)"), NULL },
	{ "haproxy", N_("backlog of its frontend (haproxy.cfg; maxconn unless set)"), "maxconn" },
	{ "postgres", N_("max_connections (postgresql.conf; it asks for twice as many)"), "max_files_per_process" },
	{ "php-fpm*", N_("listen.backlog of its pool (511 unless set)"), "rlimit_files" },
	{ "apache2", N_("ListenBackLog (511 unless set)"), NULL },
	{ "httpd", N_("ListenBackLog (511 unless set)"), NULL },
	{ "lighttpd", N_("server.listen-backlog (1024 unless set)"), "server.max-fds" },
	{ "mysqld", N_("back_log (my.cnf)"), "open_files_limit" },
	{ "mariadbd", N_("back_log (my.cnf)"), "open_files_limit" },
	{ "mongod", N_("net.listenBacklog (mongod.conf)"), NULL },
	{ "memcached", N_("-b (1024 unless set)"), "-c" },
	{ "varnishd", N_("-p listen_depth (1024 unless set)"), NULL },
	{ "envoy", N_("tcp_backlog_size of its listener (128 unless set)"), NULL },
	{ "beam.smp", N_("tcp_listen_options.backlog (rabbitmq.conf; 128 unless set)"), NULL },
};

static bool is_named(const char *comm, const char *pattern)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? !strncmp(comm, pattern, n - 1) : !strcmp(comm, pattern);
}

const struct knob *knob_of(const char *comm)
{
	for (size_t i = 0; i < sizeof(knobs) / sizeof(*knobs); i++)
		if (is_named(comm, knobs[i].comm))
			return &knobs[i];
	return NULL;
}
