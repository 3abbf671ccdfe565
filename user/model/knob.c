// SPDX-License-Identifier: GPL-2.0-only
/* A table only. The defaults are those of the programs' own documentation. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../lib/tr.h"
#include "knob.h"

static const struct knob knobs[] = {
	{ "nginx", N_("backlog= of its listen directive (nginx.conf; 511 unless set)"), "worker_rlimit_nofile", NULL,
	  "nginx -s reload", N_("no deferred in its listen directive, nginx.conf") },
	{ "redis-server", N_("tcp-backlog (redis.conf; 511 unless set)"), "maxclients", NULL },
	{ "valkey-server", N_("tcp-backlog (valkey.conf; 511 unless set)"), "maxclients", NULL },
	{ "node", N_("backlog of server.listen({ port, backlog }) (511 unless set)"), NULL, NULL },
	{ "gunicorn*", N_("--backlog (2048 unless set)"), NULL,
	  N_("--workers and --threads") },
	{ "uvicorn*", N_("--backlog (2048 unless set)"), NULL, NULL },
	{ "uwsgi*", N_("--listen (100 unless set)"), NULL,
	  N_("--processes and --threads") },
	{ "puma*", N_("backlog of its bind (config/puma.rb; 1024 unless set)"), NULL,
	  "threads, workers (config/puma.rb)" },
	{ "python*", N_("backlog of its listen() (socketserver: request_queue_size, 5 unless set)"), NULL, NULL },
	{ "java", N_("backlog of its ServerSocket (Tomcat: acceptCount, 100 unless set)"), NULL,
	  N_("maxConnections and maxThreads of its connector (Tomcat)") },
	{ "haproxy", N_("backlog of its frontend (haproxy.cfg; maxconn unless set)"), "maxconn",
	  "maxconn (haproxy.cfg)", NULL, N_("no defer-accept in its bind, haproxy.cfg") },
	{ "postgres", N_("max_connections (postgresql.conf; it asks for twice as many or more)"), "max_files_per_process", NULL },
	{ "php-fpm*", N_("listen.backlog of its pool (unless set 511, from PHP 8.2 on net.core.somaxconn)"), "rlimit_files",
	  N_("pm.max_children of its pool") },
	{ "apache2", N_("ListenBackLog (511 unless set)"), NULL, "MaxRequestWorkers", NULL,
	  "AcceptFilter http none, AcceptFilter https none" },
	{ "httpd", N_("ListenBackLog (511 unless set)"), NULL, "MaxRequestWorkers", NULL,
	  "AcceptFilter http none, AcceptFilter https none" },
	{ "lighttpd", N_("server.listen-backlog (1024 unless set)"), "server.max-fds", "server.max-connections", NULL,
	  "server.defer-accept = 0" },
	{ "mysqld", N_("back_log (my.cnf)"), "open_files_limit", NULL },
	{ "mariadbd", N_("back_log (my.cnf)"), "open_files_limit", NULL },
	{ "mongod", N_("net.listenBacklog (mongod.conf)"), NULL, NULL },
	{ "pgbouncer", N_("listen_backlog (pgbouncer.ini; 128 unless set)"), NULL, NULL },
	{ "dnsmasq", NULL, NULL, N_("--max-tcp-connections (20 unless set)") },
	{ "memcached", N_("-b (1024 unless set)"), "-c", "-c" },
	{ "varnishd", N_("-p listen_depth (1024 unless set)"), NULL, NULL },
	{ "socat", N_("backlog= of its address (5 unless set)"), NULL, "max-children=" },
	{ "envoy", N_("tcp_backlog_size of its listener (net.core.somaxconn unless set)"), NULL, NULL },
	{ "beam.smp", N_("backlog of its listen options (RabbitMQ: tcp_listen_options.backlog, 128 unless set)"), NULL, NULL },
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
