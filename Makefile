# SPDX-License-Identifier: GPL-2.0-only
# tcptrace: everything is built below build/; `make help` lists what there is.

VERSION  := 0.1
PREFIX   ?= $(or $(prefix),/usr/local)

# For another architecture: make ARCH=arm64, whose libraries are packages of this machine (after dpkg
# --add-architecture arm64) or lie below SYSROOT=. What it makes lies in build/aarch64.
HOST_ARCH  := $(shell uname -m)
ARCH       ?= $(HOST_ARCH)
override ARCH := $(patsubst arm64,aarch64,$(ARCH))
CROSS      := $(filter-out $(HOST_ARCH),$(ARCH))
ifneq ($(CROSS),)
ifeq ($(origin CC),default)
CC         := $(CROSS)-linux-gnu-gcc
endif
endif
ifdef SYSROOT
override CC += --sysroot=$(SYSROOT)
endif

B          := build$(if $(CROSS),/$(CROSS))
CC         ?= gcc
CLANG      ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL    ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CFLAGS     ?= -O2 -g
# What the code asks for, whatever CFLAGS and CPPFLAGS are set to.
WARN       := -std=gnu11 -Wall -Wextra -Wno-missing-field-initializers
CPP        := -D_GNU_SOURCE -I$(B) -I$(SYSROOT)/usr/include/tracefs -I$(SYSROOT)/usr/include/traceevent
BPF_ARCH   := $(if $(filter aarch64,$(ARCH)),arm64,x86)
BPF_FLAGS  := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Wno-unused-parameter
LIBS       := -lbpf -lelf -lz -ltracefs -ltraceevent -lprotobuf-c -lncursesw -ltinfo -pthread
COMPILE     = $(CC) $(CPP) -MMD -MP $(CPPFLAGS) $(WARN) $(CFLAGS) -DVERSION='"$(VERSION)"' -c

Q   = $(if $(V),,@)
msg = @printf '  %-7s %s\n' $(1) $(2)

BPF_SRC  := bpf/capture.bpf.c $(wildcard bpf/*.[ch] bpf/tp/*.[ch])
USER_SRC := $(wildcard user/*.c user/*/*.c user/*/*/*.c)
USER_OBJ := $(USER_SRC:%.c=$(B)/%.o) $(B)/perfetto.pb-c.o
MADE     := $(B)/capture.skel.h $(B)/capture_old.skel.h $(B)/kernel_names.h $(B)/zh_CN.mo $(B)/perfetto.pb-c.h
LIB_OBJ  := $(filter-out $(B)/user/main.o,$(USER_OBJ))
UNIT     := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
LIVE     := $(patsubst tests/live/%.c,$(B)/live/%,$(wildcard tests/live/*.c))
GOLDEN   := $(patsubst tests/golden/%.c,$(B)/golden/%,$(wildcard tests/golden/*.c))
LATE     := $(B)/live/late $(B)/live/late.bpf.o
BENCH    := $(B)/bench/both $(B)/bench/nothing $(B)/bench/nothing.bpf.o

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all traffic help deps kmod kmod-install run test check test-unit test-golden test-top test-lint test-live test-labs test-doc test-guests test-static test-vm test-ports test-vm-labs test-kmod test-dkms test-calls test-debug-kernel bench clean install uninstall \
	compile_commands.json tidy coverage static dist deb rpm test-pack fuzz test-fuzz test-browser
.SUFFIXES:

all: $(if $(CROSS),$(B)/tcptrace,tcptrace $(B)/tree) ## build ./tcptrace (default)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the program ----

tcptrace: $(B)/tcptrace
	$(Q)ln -sf $< $@

$(B)/tcptrace: $(USER_OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(LIBS)

# Who includes what is made is known from the second time on; before, all wait for all of it.
$(B)/%.o: %.c | $(MADE)
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) -o $@ $<

# .incbin, of which -MMD knows nothing; in the tests' objects too
$(B)/user/lab/recordings.o $(B)/san/user/lab/recordings.o: $(B)/recorded_labs.h $(wildcard user/lab/recordings/*.lab)
$(B)/user/kconfig.o $(B)/san/user/kconfig.o: Kconfig.notes
$(B)/user/language.o $(B)/san/user/language.o: $(B)/zh_CN.mo

# The page of `tcptrace report` runs this script and this style and nothing else: its policy names their hashes.
REPORT := user/view/report
sha256  = $$(sha256sum <$(REPORT)/$(1) | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64)

$(B)/page_hash.h: $(REPORT)/page.css $(REPORT)/page.js Makefile | $(B)/deps.stamp
	$(Q)printf '#define PAGE_CSS_HASH "%s"\n#define PAGE_JS_HASH "%s"\n' \
		"$(call sha256,page.css)" "$(call sha256,page.js)" >$@

$(foreach d,$(B) $(B)/san $(B)/fuzz,$(d)/$(REPORT)/page.o): $(B)/page_hash.h $(wildcard $(REPORT)/page.*)

# One unit, two objects: for kernels that can give a pointer a type (6.2), and for those before.
$(B)/capture.bpf.o: CAST = 1
$(B)/capture_old.bpf.o: CAST = 0
$(B)/capture.bpf.o $(B)/capture_old.bpf.o: $(BPF_SRC) kmod/uapi/tcptrace.h | $(B)/deps.stamp
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_FLAGS) -DHAS_CAST=$(CAST) -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@	# DWARF, which libbpf would read past; BTF stays

# RECORDINGS(X): X("name of the lab", the same as a symbol)
$(B)/recorded_labs.h: user/lab/recordings | $(B)/deps.stamp
	$(Q)for f in $</*.lab; do n=$$(basename $$f .lab); \
		printf '\tX("%s", %s)\n' $$n $$(echo $$n | tr - _); done | \
		sed -e '1i #define RECORDINGS(X) \\' -e '$$!s/$$/ \\/' >$@

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
	$(Q)$(COMPILE) -fPIC -o $@ $<

$(foreach d,$(B) $(B)/san $(B)/fuzz,$(d)/user/view/perfettopacket.o): $(B)/perfetto.pb-c.h

-include $(USER_OBJ:.o=.d)

# What --explain says in other languages; it becomes part of the program.
$(B)/%.mo: user/po/%.po | $(B)/deps.stamp
	$(call msg,MSGFMT,$<)
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

# ---- what the machine must have; installed only where that is asked for ----

ASKED := $(if $(filter deps run test test-all,$(MAKECMDGOALS)),--install)

deps: $(B)/deps.stamp ## install what is missing to build (root, Debian)

$(B)/deps.stamp: user/packaging/needs
	$(Q)mkdir -p $(B)
	$(Q)CC="$(CC)" CLANG="$(CLANG)" LLVM_STRIP="$(LLVM_STRIP)" BPFTOOL="$(BPFTOOL)" CPPFLAGS="$(CPPFLAGS)" \
		LDFLAGS="$(LDFLAGS)" user/packaging/needs $(ASKED)
	$(Q)touch $@

# ---- the main job, shown ----

TRAFFIC := $(B)/live/peer $(B)/live/server $(B)/live/client $(B)/live/load $(B)/live/student $(B)/live/relay $(B)/live/shift $(B)/live/ends $(B)/live/denied $(B)/live/uring \
	   $(B)/live/descriptors $(B)/live/strange $(B)/live/dice

$(B)/live/%: tests/live/%.c tests/live/net.h tests/live/segment.h | $(B)/deps.stamp
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -pthread -o $@ $<

traffic: $(TRAFFIC)	# the programs that make the tests' connections

run: tcptrace $(TRAFFIC) ## show the main job: a demonstration server and its clients (root)
	$(Q)tests/live/run-demo

# ---- tests: each part ends with "N passed, N failed, N skipped" ----

TEST_PACKAGES := libcmocka-dev libclang-rt-dev mandoc iproute2 tmux nginx-light redis-server redis-tools wrk curl python3 shellcheck \
	qemu-system-x86 busybox-static cpio kmod xz-utils protobuf-compiler chromium $(if $(shell command -v npm),,npm) fonts-wqy-microhei jq sqlite3 miller
HOST   := test-lint test-unit test-golden+test-traffic test-top+test-doc test-fuzz test-live test-labs+test-browser
PARTS ?= $(HOST) test-guests
# Three quarters of an hour: each mechanism by itself, the labs and the module in the guests.
ALL    := $(HOST) test-pack test-static test-vm test-ports test-vm-labs test-kmod test-dkms test-calls

# Parts run one after the other, A+B side by side; what they compile, on every CPU
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

test: ## on this machine and in QEMU guests with Debian's kernels (root; PARTS=... for some)
	$(Q)$(MAKE) $(PARALLEL) tcptrace $(TRAFFIC)
	$(Q)tests/lib/packages $(TEST_PACKAGES) || echo 'tests: what needs these packages is skipped' >&2
	$(Q)tests/run $(PARTS)

test-all: ## the same with each mechanism, the labs and the kernel module in the guests (root)
	$(Q)$(MAKE) test PARTS="$(ALL)"

test-lint: ## what the tree itself must keep to
	$(Q)tests/lint/run

SAN      := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -fPIC
SAN_OBJ  := $(LIB_OBJ:$(B)/%=$(B)/san/%)
SAN_LIB  := $(B)/san/tcptrace.so

$(B)/san/%.o: %.c | $(MADE)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(SAN) -o $@ $<

# Linked once, not for each test.
$(SAN_LIB): $(SAN_OBJ)
	$(call msg,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -shared -o $@ $^ -lm $(LDLIBS) $(LIBS)

$(B)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(SAN_LIB)
	$(call msg,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPP) $(CPPFLAGS) $(WARN) $(CFLAGS) $(SAN) $(LDFLAGS) -Iuser -I. -o $@ $< $(SAN_LIB) \
		-Wl,-rpath,'$$ORIGIN/../san' -lcmocka -lm $(LDLIBS) $(LIBS)

-include $(SAN_OBJ:.o=.d)

test-unit: ## cmocka: the model, the views, the command line, with sanitizers
	$(Q)if ! echo '#include <cmocka.h>' | $(CC) -include stdarg.h -include stddef.h -include stdint.h \
			-include setjmp.h -xc -fsyntax-only - 2>/dev/null; then \
		echo "SKIP unit (no cmocka: libcmocka-dev)"; echo "0 passed, 0 failed, 1 skipped"; \
	else $(MAKE) --no-print-directory $(PARALLEL) $(UNIT) && tests/unit/run $(UNIT); fi

# ---- fuzzing: libFuzzer, which comes with clang ----

FUZZ      := -O2 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_SRC  := $(filter user/lib/% user/model/% user/view/% user/source/file.c user/source/filter.c user/source/gz.c user/language.c user/terminal.c,$(USER_SRC))
FUZZ_OPTS := $(wildcard user/options*.c) user/names.c user/talk.c user/source/filter.c user/source/netns.c \
	     $(filter user/lib/% user/model/%,$(USER_SRC))
FUZZERS   := $(addprefix $(B)/fuzz/,replay mo options cgroup)

$(B)/fuzz/%.o: %.c | $(MADE)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CPP) -MMD -MP $(WARN) -Wno-unused-parameter $(FUZZ) -DFUZZED -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp -c -o $@ $<

$(B)/fuzz/replay: $(FUZZ_SRC:%.c=$(B)/fuzz/%.o) $(B)/perfetto.pb-c.o $(addprefix $(B)/fuzz/tests/fuzz/,records.o memory.o replay.o)
$(B)/fuzz/replay: FUZZ_WRAP = $(addprefix -Xlinker --wrap=,dup close fstat isatty read write strcmp)
$(B)/fuzz/mo: $(B)/fuzz/user/lib/mo.o $(B)/fuzz/tests/fuzz/mo.o
$(B)/fuzz/cgroup: $(B)/fuzz/user/lib/cgroup.o $(B)/fuzz/tests/fuzz/cgroup.o
$(B)/fuzz/options: $(FUZZ_OPTS:%.c=$(B)/fuzz/%.o) $(B)/fuzz/tests/fuzz/options.o
$(FUZZERS):
	$(call msg,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ) -fsanitize=fuzzer $(FUZZ_WRAP) -o $@ $^ -lz -lprotobuf-c -lncursesw -ltinfo

-include $(FUZZ_SRC:%.c=$(B)/fuzz/%.d) $(wildcard $(B)/fuzz/tests/fuzz/*.d)

fuzz: ## libFuzzer on replay, options, texts: SECONDS=60 each; what it finds lies in build/fuzz/found
	$(Q)tests/fuzz/run --build --count --seconds $(or $(SECONDS),60)

test-fuzz: ## ten seconds of it
	$(Q)tests/fuzz/run --build --seconds 10

test-golden: tcptrace ## recordings through the views
	$(Q)tests/golden/run

test-top: tcptrace ## the screens of `tcptrace top` in tmux, its keys, what it leaves behind
	$(Q)tests/top/run

test-browser: tcptrace ## the page of `tcptrace report` in chromium, by what npm has
	$(Q)tests/browser/run

test-traffic: $(TRAFFIC) ## do the traffic programs provoke what they promise? (root)
	$(Q)tests/live/traffic-selftest

test-live: tcptrace $(TRAFFIC) ## real traffic on this machine, each mechanism that works here (root)
	$(Q)tests/live/run

test-labs: tcptrace $(B)/live/student ## the experiments of `tcptrace lab`, and what they leave behind (root)
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

test-pack: all ## building as a user, installing, the static program, archive and packages
	$(Q)tests/lib/packages debhelper dh-dkms lintian rpm rpmlint cpio python3-yaml prometheus || :
	$(Q)tests/pack/run

test-guests: tcptrace $(TRAFFIC) ## live scenarios in guests with the oldest and the newest kernel, as users run it
	$(Q)MECHANISM=auto tests/vm/matrix --few 5.10 7.2

test-vm: tcptrace $(TRAFFIC) $(LATE) ## the same with each mechanism by itself, and compared
	$(Q)tests/vm/matrix

test-static: static $(B)/live/load ## the static program alone in a root directory, in guests with each kernel
	$(Q)tests/vm/static

PORTS := 5.10-rt 6.1-rt 6.12-rt 7.2-rt 6.1-arm64 6.12-arm64 6.12-arm64-16k
test-ports: tcptrace $(TRAFFIC) ## some of them in guests with preemptible kernels, and on arm64
	$(Q)tests/lib/packages qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross || echo 'tests: arm64 is skipped' >&2
	$(Q)tests/vm/matrix $(PORTS)

test-vm-labs: tcptrace ## the experiments of `tcptrace lab` in guests with other kernels
	$(Q)tests/vm/matrix --labs

test-calls: tcptrace $(BENCH) ## no system call is slower while tcptrace runs: instructions, counted in a guest
	$(Q)tests/bench/vm --calls 6.12

# ---- installing: what lies below $(B)/tree goes below $(DESTDIR)$(PREFIX) ----

# zsh looks in share/zsh/vendor-completions when Debian's packages bring it
ZSHDIR ?= share/zsh/site-functions
COMPLETIONS = bash:share/bash-completion/completions/tcptrace zsh:$(ZSHDIR)/_tcptrace \
	fish:share/fish/vendor_completions.d/tcptrace.fish
MAN    := $(wildcard user/doc/*.8)
ZH_MAN := $(patsubst user/doc/%,$(B)/man/%,$(wildcard user/doc/zh_CN/*.8))

$(B)/man/zh_CN/%.8: user/doc/zh_CN/%.8 user/packaging/manual.sed
	$(Q)mkdir -p $(@D)
	$(Q)LC_ALL=C sed -f user/packaging/manual.sed $< >$@

$(B)/tree: $(B)/tcptrace $(MAN) $(ZH_MAN) Makefile
	$(Q)rm -rf $@
	$(Q)install -D -m 755 -t $@/bin $(B)/tcptrace
	$(Q)install -D -m 644 -t $@/share/man/man8 $(MAN)
	$(Q)install -D -m 644 -t $@/share/man/zh_CN/man8 $(ZH_MAN)
	$(Q)for d in $@/share/man/man8 $@/share/man/zh_CN/man8; do \
		for c in top report metrics; do echo '.so man8/tcptrace.8' >$$d/tcptrace-$$c.8; done; done
	$(Q)mkdir -p $(foreach d,$(COMPLETIONS),$@/$(dir $(lastword $(subst :, ,$d))))
	$(Q)$(foreach d,$(COMPLETIONS),$(B)/tcptrace --completions $(subst :, >$@/,$d) &&) :
	$(Q)! $(B)/tcptrace metrics --help >/dev/null 2>&1 || \
		install -D -m 644 -t $@/lib/systemd/system $(wildcard user/packaging/systemd/*)
	$(Q)$(foreach d,prometheus grafana kubernetes,\
		install -D -m 644 -t $@/share/tcptrace/$d $(filter-out %.test.yml,$(wildcard user/packaging/$d/*)) &&) :

install: $(B)/tree ## install program, manual, completions below $(DESTDIR)$(PREFIX) (/usr/local)
	$(Q)user/packaging/install.sh --from $(B)/tree --destdir "$(DESTDIR)" --prefix "$(PREFIX)"

uninstall: $(B)/tree ## remove them again
	$(Q)user/packaging/install.sh --from $(B)/tree --destdir "$(DESTDIR)" --prefix "$(PREFIX)" --uninstall

# ---- packages; each in build/ ----

NAME   := tcptrace-$(VERSION)
STATIC := $(B)/$(NAME)-$(ARCH)
# files of an archive have this time, so that the same tree gives the same archive
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

static: $(STATIC) ## one file that needs nothing but the kernel

# libtraceevent can load plugins, which we never ask for: the linker warns of its dlopen().
$(STATIC): $(USER_OBJ)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -s -o $@ $^ $(LDLIBS) $(LIBS) 2>$(B)/static.log || { cat $(B)/static.log; exit 1; }
	$(Q)! grep warning: $(B)/static.log | grep -v dlopen

dist: $(STATIC) $(B)/tree ## an archive of it, with install.sh and SHA256SUMS
	$(Q)rm -rf $(B)/dist && mkdir -p $(B)/dist/$(NAME)
	$(Q)cp -r $(B)/tree $(B)/dist/$(NAME)/tree && cp $(STATIC) $(B)/dist/$(NAME)/tree/bin/tcptrace
	$(Q)cp user/packaging/install.sh README.md LICENSE $(B)/dist/$(NAME)
	$(Q)cd $(B)/dist && (cd $(NAME) && find . -type f | LC_ALL=C sort | xargs sha256sum) >SHA256SUMS && \
		mv SHA256SUMS $(NAME) && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(SOURCE_DATE_EPOCH) \
		-cf - $(NAME) | gzip -9n >$(NAME)-$(ARCH).tar.gz && sha256sum $(NAME)-$(ARCH).tar.gz >SHA256SUMS && rm -r $(NAME)
	$(call msg,DIST,$(B)/dist/$(NAME)-$(ARCH).tar.gz)

DEB := $(B)/deb/tcptrace-bpf-$(VERSION)
deb: ## Debian packages: tcptrace-bpf, tcptrace-dkms
	$(Q)rm -rf $(B)/deb && mkdir -p $(DEB)
	$(Q)tar -c --exclude=./build --exclude=./.git --exclude=./tcptrace . | tar -x -C $(DEB)
	$(Q)mv $(DEB)/user/packaging/debian $(DEB)
	$(Q)printf 'tcptrace-bpf (%s) unstable; urgency=medium\n\n  * See user/doc/changelog.md.\n\n -- %s  %s\n' $(VERSION) \
		"$$(sed -n 's/^Maintainer: //p' $(DEB)/debian/control)" \
		"$$(date -R -u -d @$(SOURCE_DATE_EPOCH))" >$(DEB)/debian/changelog
	$(Q)cd $(DEB) && unset MAKEFLAGS MFLAGS && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -b -us -uc >../log 2>&1 || \
		{ tail -n 30 ../log; exit 1; }
	@ls $(B)/deb/*.deb | sed 's/^/  DEB     /'

rpm: dist ## an RPM package of that archive: tcptrace-bpf
	$(Q)rm -rf $(B)/rpm && mkdir -p $(B)/rpm
	$(Q)rpmbuild -bb --target $(ARCH)-linux --define '_topdir $(abspath $(B))/rpm' --define '_sourcedir $(abspath $(B))/dist' \
		--define 'release_version $(VERSION)' --define "release_date $$(LC_ALL=C date -u -d @$(SOURCE_DATE_EPOCH) '+%a %b %d %Y')" \
		--define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' --define '_buildhost localhost' \
		user/packaging/rpm/tcptrace-bpf.spec >$(B)/rpm/log 2>&1 || { tail -n 30 $(B)/rpm/log; exit 1; }
	$(Q)mv $(B)/rpm/RPMS/*/*.rpm $(B)/rpm
	@ls $(B)/rpm/*.rpm | sed 's/^/  RPM     /'

$(B)/live/late: $(B)/bench/nothing
	$(Q)cp $< $@

$(B)/bench/nothing.bpf.o: tests/bench/nothing.bpf.c
$(B)/live/late.bpf.o: tests/vm/late.bpf.c
$(B)/bench/nothing.bpf.o $(B)/live/late.bpf.o: bpf/vmlinux.h | $(B)/deps.stamp
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -c -o $@ $(filter %.bpf.c,$^)

$(B)/bench/%: tests/bench/%.c tests/live/net.h | $(B)/deps.stamp
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -pthread -o $@ $< -Wl,--as-needed -lbpf

bench: tcptrace $(B)/live/load $(BENCH) ## what tracing costs, beside the peers that run here (root; QUICK=1: a minute)
	$(Q)tests/lib/packages tcpdump iproute2 libbpf-tools bpftool || echo 'bench: peers that are missing are left out' >&2
	$(Q)tests/bench/run $(if $(QUICK),--quick)
	$(Q)$(if $(QUICK),:,tests/bench/run --alone connect)

# ---- for who changes the code ----

compile_commands.json: $(MADE) ## how each file is compiled, for clangd and clang-tidy
	$(Q){ for f in $(USER_SRC); do echo "$$f $(CC) $(CPP) $(WARN) -c $$f"; done; \
	      echo "bpf/capture.bpf.c $(CLANG) $(BPF_FLAGS) -DHAS_CAST=1 -c bpf/capture.bpf.c"; } | \
		awk -v dir='$(CURDIR)' 'BEGIN { print "[" } \
			{ file = $$1; $$1 = ""; printf "%s{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\"}\n", \
			  (NR > 1) ? "," : "", dir, file, substr($$0, 2) } END { print "]" }' >$@

tidy: compile_commands.json ## what clang-tidy finds (.clang-tidy says what it looks for)
	$(Q)printf '%s\n' $(USER_SRC) | xargs -n 1 -P $(shell nproc) clang-tidy --quiet 2>/dev/null

# The same objects for both, so that gcov adds up what each ran.
coverage: ## which lines the unit and golden tests run, file by file
	$(Q)$(MAKE) --no-print-directory B=$(B)/coverage SAN= SAN_OBJ='$$(LIB_OBJ)' CFLAGS='-O0 -g --coverage -fPIC' \
		$(B)/coverage/tcptrace $(UNIT:$(B)/%=$(B)/coverage/%)
	$(Q)find $(B)/coverage -name '*.gcda' -delete
	-$(Q)tests/unit/run $(UNIT:$(B)/%=$(B)/coverage/%)
	-$(Q)TCPTRACE=$(B)/coverage/tcptrace tests/golden/run | tail -n 1
	$(Q)find $(B)/coverage/user -name '*.gcno' | while read -r f; do gcov -n "$$f" 2>/dev/null; done | \
		awk -F"[':% ]" '/^File/ { f = $$3; want = f ~ /^user\/.*\.c$$/ } want && /^Lines/ { n = $$NF; run += n * $$3 / 100; \
			all += n; printf "%6.1f %%  %5d lines  %s\n", $$3, n, f; want = 0 } \
			END { printf "%6.1f %%  %5d lines  all\n", all ? 100 * run / all : 0, all }' | sort -n

clean: ## remove everything that was built
	$(Q)rm -rf $(B) tcptrace compile_commands.json
