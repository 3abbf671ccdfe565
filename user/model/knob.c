// SPDX-License-Identifier: GPL-2.0-only
/* A table only. The defaults are those of the programs' own documentation. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "knob.h"

static const struct knob knobs[] = {
	{ "nginx", "backlog= of its listen directive (nginx.conf; 511 unless set)", "worker_rlimit_nofile" },
	{ "redis-server", "tcp-backlog (redis.conf; 511 unless set)", "maxclients" },
	{ "valkey-server", "tcp-backlog (valkey.conf; 511 unless set)", "maxclients" },
	{ "node", "backlog of server.listen({ port, backlog }) (511 unless set)", NULL },
	{ "gunicorn*", "--backlog (2048 unless set)", NULL },
	{ "uvicorn*", "--backlog (2048 unless set)", NULL },
	{ "uwsgi*", "--listen (100 unless set)", NULL },
	{ "puma*", "backlog of its bind (config/puma.rb; 1024 unless set)", NULL },
	{ "python*", "backlog of its listen() (socketserver: request_queue_size, 5 unless set)", NULL },
	{ "java", "backlog of its ServerSocket (Tomcat: acceptCount, 100 unless set)", NULL },
	{ "haproxy", "backlog of its frontend (haproxy.cfg; maxconn unless set)", "maxconn" },
	{ "postgres", "max_connections (postgresql.conf; it asks for twice as many)", "max_files_per_process" },
	{ "php-fpm*", "listen.backlog of its pool (511 unless set)", "rlimit_files" },
	{ "apache2", "ListenBackLog (511 unless set)", NULL },
	{ "httpd", "ListenBackLog (511 unless set)", NULL },
	{ "lighttpd", "server.listen-backlog (1024 unless set)", "server.max-fds" },
	{ "mysqld", "back_log (my.cnf)", "open_files_limit" },
	{ "mariadbd", "back_log (my.cnf)", "open_files_limit" },
	{ "mongod", "net.listenBacklog (mongod.conf)", NULL },
	{ "memcached", "-b (1024 unless set)", "-c" },
	{ "varnishd", "-p listen_depth (1024 unless set)", NULL },
	{ "envoy", "tcp_backlog_size of its listener (128 unless set)", NULL },
	{ "beam.smp", "tcp_listen_options.backlog (rabbitmq.conf; 128 unless set)", NULL },
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
