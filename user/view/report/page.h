/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the page that are files of this directory, as strings. */
#ifndef TCPTRACE_PAGE_H
#define TCPTRACE_PAGE_H

extern const char page_html[], page_css[], page_js[];

#endif
