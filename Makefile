# SPDX-License-Identifier: GPL-2.0-only
# tcptrace: everything is built below build/; `make help` lists what there is.

B        := build
CC       ?= gcc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu11 -Wall -Wextra -Wno-missing-field-initializers -D_GNU_SOURCE
CPPFLAGS += -I$(B) -MMD -MP
CPPFLAGS += -I/usr/include/tracefs -I/usr/include/traceevent
LDLIBS   += -lbpf -lelf -lz -ltracefs -ltraceevent -lprotobuf-c
VERSION  := 0.1
PREFIX   ?= /usr/local

Q   = $(if $(V),,@)
msg = @printf '  %-7s %s\n' $(1) $(2)

BPF_SRC  := $(wildcard bpf/*.bpf.c)
USER_SRC := $(wildcard user/*.c user/*/*.c user/*/*/*.c)
USER_OBJ := $(USER_SRC:%.c=$(B)/%.o) $(B)/perfetto.pb-c.o
MO       := $(patsubst user/po/%.po,$(B)/locale/%/LC_MESSAGES/tcptrace.mo,$(wildcard user/po/*.po))
LIB_OBJ  := $(filter-out $(B)/user/main.o,$(USER_OBJ))
UNIT     := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
LIVE     := $(patsubst tests/live/%.c,$(B)/live/%,$(wildcard tests/live/*.c))
GOLDEN   := $(patsubst tests/golden/%.c,$(B)/golden/%,$(wildcard tests/golden/*.c))
BENCH    := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))

.DELETE_ON_ERROR:
.PHONY: all help deps kmod kmod-install run test check test-unit test-golden test-browser test-lint test-live test-labs test-doc test-guests test-vm test-vm-labs test-kmod test-dkms test-debug-kernel bench clean install
.SUFFIXES:

all: tcptrace ## build ./tcptrace (default)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the program ----

tcptrace: $(B)/tcptrace $(MO)
	$(Q)ln -sf $< $@

$(B)/tcptrace: $(USER_OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c | $(B)/deps.stamp
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DVERSION='"$(VERSION)"' -c -o $@ $<

$(B)/user/source/bpf.o $(B)/user/source/load.o $(B)/user/source/object.o: $(B)/capture.skel.h
$(B)/user/source/object.o: $(B)/capture_old.skel.h
$(B)/user/source/load.o: $(B)/kernel_names.h
$(B)/user/lab/recordings.o $(B)/san/user/lab/recordings.o: $(B)/recorded_labs.h $(wildcard user/lab/recordings/*.lab)
$(B)/user/kconfig.o: Kconfig.notes

# The page of `tcptrace report` runs this script and this style and nothing else: its policy names their hashes.
REPORT := user/view/report
sha256  = $$(sha256sum <$(REPORT)/$(1) | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64)

$(B)/page_hash.h: $(REPORT)/page.css $(REPORT)/page.js Makefile | $(B)/deps.stamp
	$(Q)printf '#define PAGE_CSS_HASH "%s"\n#define PAGE_JS_HASH "%s"\n' \
		"$(call sha256,page.css)" "$(call sha256,page.js)" >$@

$(B)/$(REPORT)/page.o $(B)/san/$(REPORT)/page.o: $(B)/page_hash.h $(wildcard $(REPORT)/page.*)

# One unit: the linker of libbpf 1.1 refuses a kernel function that two objects call.
$(B)/capture.bpf.c: $(BPF_SRC) Makefile | $(B)/deps.stamp
	$(Q)printf '#include "../%s"\n' $(BPF_SRC) >$@

# One source, two objects: for kernels that can give a pointer a type (6.2), and for those before.
$(B)/capture.bpf.o: CAST = 1
$(B)/capture_old.bpf.o: CAST = 0
$(B)/capture.bpf.o $(B)/capture_old.bpf.o: $(B)/capture.bpf.c $(wildcard bpf/*.h) kmod/uapi/tcptrace.h
	$(call msg,BPF,$@)
	$(Q)$(CLANG) -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -DHAS_CAST=$(CAST) -Wall -Wextra \
		-Wno-unused-parameter -Ibpf -c -o $@ $<
	$(Q)llvm-strip -g $@	# DWARF, which libbpf would read past; BTF stays

# RECORDINGS(X): X("name of the lab", the same as a symbol)
$(B)/recorded_labs.h: user/lab/recordings | $(B)/deps.stamp
	$(Q)cd $< && for f in *.lab; do n=$${f%.lab}; \
		printf '\tX("%s", %s)\n' $$n $$(echo $$n | tr - _); done | \
		sed -e '1i #define RECORDINGS(X) \\' -e '$$!s/$$/ \\/' > ../../../$@

# What they read of the kernel's types, without flavours: "sock", "sock_common", ...
$(B)/kernel_names.h: bpf/vmlinux.h | $(B)/deps.stamp
	$(Q)grep -oE '(struct|enum) [a-z0-9_]+ \{' $< | sed 's/___.*/ /; s/[a-z]* \([a-z0-9_]*\) .*/"\1",/' | LC_ALL=C sort -u >$@

$(B)/capture.skel.h $(B)/capture_old.skel.h: $(B)/%.skel.h: $(B)/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

# The trace format of `tcptrace perfetto`.
$(B)/perfetto.pb-c.c: user/view/perfetto.proto | $(B)/deps.stamp
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(B) $<

$(B)/perfetto.pb-c.h: $(B)/perfetto.pb-c.c ;

$(B)/perfetto.pb-c.o $(B)/san/perfetto.pb-c.o: $(B)/perfetto.pb-c.c
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/user/view/perfettopacket.o $(B)/san/user/view/perfettopacket.o: $(B)/perfetto.pb-c.h

-include $(USER_OBJ:.o=.d)

# ---- what --explain says in other languages; found beside the program ----

$(B)/locale/%/LC_MESSAGES/tcptrace.mo: user/po/%.po | $(B)/deps.stamp
	$(call msg,MSGFMT,$<)
	$(Q)mkdir -p $(@D)
	$(Q)msgfmt --check -o $@ $<

# ---- the kernel module: tcptrace works without it ----

KVER  ?= $(shell uname -r)
KDIR  ?= /lib/modules/$(KVER)/build
KMOD  := $(B)/kmod/$(KVER)
DKMS  := /usr/src/tcptrace-$(VERSION)
# type information is an extra, which needs pahole
NO_BTF = $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)

kmod: ## build tcptrace.ko for this kernel (or KVER=, KDIR=)
	$(Q)if [ ! -e $(KDIR)/Makefile ]; then \
		echo "tcptrace: no module: $(KDIR) is not there (install linux-headers-$(KVER))"; \
	else \
		rm -rf $(KMOD) && mkdir -p $(dir $(KMOD)) && cp -r kmod $(KMOD) && \
		$(MAKE) -C $(KDIR) M=$(abspath $(KMOD)) $(NO_BTF) modules && echo "  KMOD    $(KMOD)/tcptrace.ko"; \
	fi

kmod-install: ## build and install the module by DKMS, for later kernels too (root)
	$(Q)if [ ! -e $(KDIR)/Makefile ]; then \
		echo "tcptrace: no module: $(KDIR) is not there (install linux-headers-$(KVER))" >&2; exit 1; \
	fi
	$(Q)tests/lib/packages dkms
	$(Q)dkms remove tcptrace/$(VERSION) --all >/dev/null 2>&1 || true
	$(Q)rm -rf $(DKMS) && cp -r kmod $(DKMS)
	$(Q)dkms install tcptrace/$(VERSION) -k $(KVER)
	@echo "tcptrace: now: modprobe tcptrace"

# ---- what the machine must have: installed once, as root, from Debian ----

PACKAGES := gcc make clang llvm libbpf-dev libelf-dev zlib1g-dev bpftool libcmocka-dev libtracefs-dev libtraceevent-dev gettext \
	libprotobuf-c-dev protobuf-c-compiler

deps: $(B)/deps.stamp ## install what is missing to build (root, Debian)

$(B)/deps.stamp: Makefile
	$(Q)mkdir -p $(B)
	$(Q)tests/lib/packages $(PACKAGES)
	$(Q)touch $@

# ---- the main job, shown ----

TRAFFIC := $(B)/live/peer $(B)/live/server $(B)/live/client $(B)/live/load

$(B)/live/%: tests/live/%.c tests/live/net.h tests/live/segment.h | $(B)/deps.stamp
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -pthread -o $@ $<

run: tcptrace $(TRAFFIC) ## show the main job: a demonstration server and its clients (root)
	$(Q)tests/live/run-demo

# ---- tests: each part ends with "N passed, N failed, N skipped" ----

TEST_PACKAGES := iproute2 tmux nginx-light redis-server redis-tools wrk curl python3 shellcheck \
	qemu-system-x86 busybox-static cpio kmod xz-utils protobuf-compiler chromium npm fonts-wqy-microhei
HOST   := test-lint test-unit test-golden test-browser test-traffic test-live test-labs test-doc
PARTS ?= $(HOST) test-guests
# Three quarters of an hour: each mechanism by itself, the labs and the module in the guests.
ALL    := $(HOST) test-vm test-vm-labs test-kmod test-dkms

test: tcptrace $(TRAFFIC) ## on this machine and in QEMU guests with Debian's kernels (root; PARTS=... for some)
	$(Q)tests/lib/packages $(TEST_PACKAGES) || echo 'tests: what needs these packages is skipped' >&2
	$(Q)tests/run $(PARTS)

test-all: ## the same with each mechanism, the labs and the kernel module in the guests (root)
	$(Q)$(MAKE) test PARTS="$(ALL)"

test-lint: ## what the tree itself must keep to
	$(Q)tests/lint/run

SAN      := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_OBJ  := $(LIB_OBJ:$(B)/%=$(B)/san/%)

$(B)/san/%.o: %.c | $(B)/deps.stamp
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -DVERSION='"$(VERSION)"' -c -o $@ $<

$(B)/san/user/source/bpf.o $(B)/san/user/source/load.o $(B)/san/user/source/object.o: $(B)/capture.skel.h
$(B)/san/user/source/object.o: $(B)/capture_old.skel.h
$(B)/san/user/source/load.o: $(B)/kernel_names.h

$(B)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(SAN_OBJ)
	$(call msg,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) -I$(B) -Iuser -I. -o $@ $< $(SAN_OBJ) -lcmocka -lm $(LDLIBS)

$(B)/unit/test_explain: $(MO)

-include $(SAN_OBJ:.o=.d)

test-unit: $(UNIT) ## cmocka: the model, the views, the command line, with sanitizers
	$(Q)tests/unit/run $(UNIT)

test-golden: tcptrace ## recordings through the views
	$(Q)tests/golden/run

test-browser: tcptrace ## the page of `tcptrace report` in chromium, by what npm has
	$(Q)tests/browser/run

test-traffic: $(TRAFFIC) ## do the traffic programs provoke what they promise? (root)
	$(Q)tests/live/traffic-selftest

test-live: tcptrace $(TRAFFIC) ## real traffic on this machine, each mechanism that works here (root)
	$(Q)tests/live/run

test-labs: tcptrace ## the experiments of `tcptrace lab`, and what they leave behind (root)
	$(Q)tests/live/labs

test-kmod: tcptrace $(LIVE) ## the kernel module in the guests: load, use, readers, the same as BPF
	$(Q)tests/vm/matrix --kmod

# Built once, kept in the cache of the guests.
test-debug-kernel: tcptrace $(LIVE) ## the module in a kernel with KASAN, lockdep and kmemleak (built first: 15 minutes)
	$(Q)tests/lib/packages flex bison bc sparse
	$(Q)tests/vm/kmod-style
	$(Q)tests/vm/kmod 6.1-debug

test-dkms: ## does DKMS build and install the module, for a guest's kernel? (root)
	$(Q)tests/vm/dkms

test-doc: tcptrace ## are the outputs in user/doc/learn*.md those of a fresh run? (root)
	$(Q)tests/live/doc-check

test-guests: tcptrace $(TRAFFIC) ## the live scenarios in guests with other kernels, as users have them
	$(Q)MECHANISM=auto tests/vm/matrix

test-vm: tcptrace $(TRAFFIC) ## the same with each mechanism by itself, and compared
	$(Q)tests/vm/matrix

test-vm-labs: tcptrace ## the experiments of `tcptrace lab` in guests with other kernels
	$(Q)tests/vm/matrix --labs

install: tcptrace ## install program and manual below $(DESTDIR)$(PREFIX)
	$(Q)install -D -m 755 $(B)/tcptrace $(DESTDIR)$(PREFIX)/sbin/tcptrace
	$(Q)install -D -m 644 user/doc/tcptrace.8 $(DESTDIR)$(PREFIX)/share/man/man8/tcptrace.8
	$(Q)for mo in $(MO:$(B)/locale/%=%); do \
		install -D -m 644 $(B)/locale/$$mo $(DESTDIR)$(PREFIX)/share/locale/$$mo; done

$(B)/bench/%: tests/bench/%.c tests/live/net.h | $(B)/deps.stamp
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -pthread -o $@ $<

bench: tcptrace $(B)/live/load $(BENCH) ## what tracing costs, beside the peers that are installed (root; QUICK=1: under a minute)
	$(Q)tests/bench/run $(if $(QUICK),--quick)

clean: ## remove everything that was built
	$(Q)rm -rf $(B)/user $(B)/bpf $(B)/san $(B)/unit $(B)/live $(B)/golden $(B)/bench $(B)/tcptrace \
		$(B)/capture.* $(B)/capture_old.* $(B)/kmod $(B)/locale tcptrace
