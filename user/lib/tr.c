// SPDX-License-Identifier: GPL-2.0-only
#include "tr.h"

static struct mo *texts;

void tr_use(struct mo *mo)
{
	mo_close(texts);
	texts = mo;
}

const char *tr(const char *msgid)
{
	return msgid && msgid[0] ? mo_text(texts, msgid) : "";
}
