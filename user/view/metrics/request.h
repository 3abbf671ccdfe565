/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPTRACE_REQUEST_H
#define TCPTRACE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum http_path { HTTP_METRICS, HTTP_HEALTHY, HTTP_ROOT, HTTP_ELSEWHERE };

struct http_request {
	bool get, head;			/* the method; neither: another one */
	enum http_path path;
	bool openmetrics, gzip;		/* what is accepted */
};

size_t http_head_end(const char *text, size_t n);	/* where the empty line ends; 0: not there yet */
bool http_parse(const char *text, size_t n, struct http_request *r);	/* false: that is no HTTP */

#endif
