# Usage:
#   make                              build everything into build/
#   make check                        unit tests, simulated world, lint, every header compiles alone
#   make SAN=address,undefined check  the same under sanitizers, in a build directory of its own
#   make e2e                          end-to-end tests on the routers that are there
#   make bench                        speed, beside a plain relay; bench-instructions: by callgrind
#   make lint                         source rules, layers, manual pages
#   make format                       clang-format in place
#   make install DESTDIR=... PREFIX=...   (uninstall: all but what was configured)
#   make system                       tests on a booted systemd, as root
#   V=1 shows commands; WERROR=1 turns warnings into errors (CI does).

VERSION := 0.1.0

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/wampbridge
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR    ?=

PKG_CONFIG ?= pkg-config
OBJCOPY    ?= objcopy
# What systemd and the daemon read lies outside PREFIX; the daemon reads /etc/wampbridge. systemd
# says where, except that /lib is /usr/lib wherever it runs today.
systemd_dir = $(patsubst /lib/%,/usr/lib/%,$(or $(shell \
  $(PKG_CONFIG) --silence-errors --variable=$1 systemd),/usr/lib/$2))
SYSCONFDIR  ?= /etc
VENDORDIR   ?= /usr/lib/wampbridge
UNITDIR     ?= $(call systemd_dir,systemdsystemunitdir,systemd/system)
USERUNITDIR ?= $(call systemd_dir,systemduserunitdir,systemd/user)
SYSUSERSDIR ?= $(call systemd_dir,sysusersdir,sysusers.d)
CATALOGDIR  ?= $(call systemd_dir,catalogdir,systemd/catalog)

PKGS  := libuv libwebsockets yaml-0.1 openssl zlib libsystemd
SAN   ?=
comma := ,
B     ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))

# CFLAGS and LDFLAGS belong to the user; what the code needs is kept apart.
CFLAGS ?= -O2 -g
WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef \
          -Wvla -Wformat=2 -Wimplicit-fallthrough $(if $(WERROR),-Werror)
NEED   := -std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude -fvisibility=hidden -fno-common \
          -DWAMPBRIDGE_VERSION='"$(VERSION)"' $(WARN) \
          $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS))
LINK   := $(if $(SAN),-fsanitize=$(SAN))
CORE   := base codec auth wamp local hub router
$(foreach d,$(CORE),$(eval $(B)/src/$(d)/%.o: NEED += -Wconversion))

LIB_SRC  := $(sort $(wildcard $(patsubst %,src/%/*.c,$(CORE) net config daemon)))
CLI_SRC  := $(sort $(wildcard src/cli/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(B)/%.o)
UNIT_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
SIM_SRC  := $(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c))
SIM_OBJ  := $(SIM_SRC:%.c=$(B)/%.o)
SIM_BIN  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/sim/test_*.c))
BENCH    := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/bench/*.c))
HEADERS  := $(wildcard src/*/*.h include/*.h)

ifeq ($(V),1)
Q :=
say := @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all
.PHONY: all check unit sim e2e system lint headers format bench bench-instructions install \
  uninstall clean FORCE

all: $(B)/wampbridged $(B)/wampctl

# Objects are rebuilt when the compiler or any flag changes.
$(B)/flags: FORCE
	@mkdir -p $(@D); echo '$(subst ','\'',$(CC) $(NEED) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS))' >$@.new; \
	  cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@

$(B)/%.o: %.c $(B)/flags
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(NEED) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Everything but main.c is one archive; the daemon and every test link it.
$(B)/libdaemon.a: $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/wampbridged: $(B)/src/main.o $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# wampctl stands on the library by its header alone, but carries it in itself: so it starts
# without a search for it, runs from the build directory, and cannot meet another version.
$(B)/wampctl: $(CLI_OBJ) $(B)/libwampbridge.a $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ -luv

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -ljansson -lcmocka -lm

$(B)/tests/sim/%: $(B)/tests/sim/%.o $(SIM_OBJ) $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -ljansson -lcmocka -lm

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm

check: all unit sim lint headers

unit: $(UNIT_BIN)
	@scripts/run-tests $(UNIT_BIN)

sim: $(SIM_BIN)
	@scripts/run-tests $(SIM_BIN)

e2e: all
	@BUILD=$(B) /usr/bin/python3 -m pytest -q tests/e2e

system: all
	@BUILD=$(B) tests/system/run

headers: $(HEADERS:%=$(B)/%.alone)

$(B)/%.h.alone: %.h $(B)/flags
	@mkdir -p $(@D)
	$(Q)echo '#include "$<"' | $(CC) $(NEED) -I. $(PKG_CFLAGS) $(CPPFLAGS) -fsyntax-only -x c - && touch $@

lint:
	@scripts/lint

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

bench: all $(BENCH)
	@scripts/bench $(B)

bench-instructions: all $(BENCH)
	@scripts/bench-instructions $(B)

# One pattern for the units: where the daemon is, and where secrets may be.
$(B)/systemd/%: systemd/%.in FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' $< >$@

UNITS     := wampbridge.socket wampbridge.service
MANUALS   := $(notdir $(wildcard man/*.[1-8]))
manual     = $(MANDIR)/man$(subst .,,$(suffix $1))/$1
etc_dir    = $(SYSCONFDIR)/wampbridge

# A configuration that is there is the administrator's and stays.
install: all $(B)/systemd/wampbridge.service $(B)/systemd/user/wampbridge.service
	install -Dm755 $(B)/wampbridged '$(DESTDIR)$(SBINDIR)/wampbridged'
	install -Dm755 $(B)/wampctl '$(DESTDIR)$(BINDIR)/wampctl'
	$(foreach m,$(MANUALS),install -Dm644 man/$m '$(DESTDIR)$(call manual,$m)' && ):
	install -Dm644 etc/wampbridge.yaml '$(DESTDIR)$(DOCDIR)/examples/wampbridge.yaml'
	install -d '$(DESTDIR)$(VENDORDIR)/conf.d' '$(DESTDIR)$(etc_dir)/conf.d'
	install -dm700 '$(DESTDIR)$(etc_dir)/credentials'
	test -e '$(DESTDIR)$(etc_dir)/wampbridge.yaml' || \
	  install -m644 etc/wampbridge.yaml '$(DESTDIR)$(etc_dir)/wampbridge.yaml'
	install -Dm644 systemd/wampbridge.socket '$(DESTDIR)$(UNITDIR)/wampbridge.socket'
	install -Dm644 $(B)/systemd/wampbridge.service '$(DESTDIR)$(UNITDIR)/wampbridge.service'
	install -Dm644 systemd/user/wampbridge.socket '$(DESTDIR)$(USERUNITDIR)/wampbridge.socket'
	install -Dm644 $(B)/systemd/user/wampbridge.service \
	  '$(DESTDIR)$(USERUNITDIR)/wampbridge.service'
	install -Dm644 systemd/wampbridge.sysusers '$(DESTDIR)$(SYSUSERSDIR)/wampbridge.conf'
	install -Dm644 systemd/wampbridge.catalog '$(DESTDIR)$(CATALOGDIR)/wampbridge.catalog'
	@test -n '$(DESTDIR)' || echo \
	  'Next: ldconfig && systemd-sysusers && journalctl --update-catalog && systemctl daemon-reload'

# What the administrator wrote under SYSCONFDIR stays, with the secrets.
uninstall:
	rm -f '$(DESTDIR)$(SBINDIR)/wampbridged' '$(DESTDIR)$(BINDIR)/wampctl'
	rm -f $(foreach m,$(MANUALS),'$(DESTDIR)$(call manual,$m)')
	rm -f $(foreach u,$(UNITS),'$(DESTDIR)$(UNITDIR)/$u' '$(DESTDIR)$(USERUNITDIR)/$u')
	rm -f '$(DESTDIR)$(SYSUSERSDIR)/wampbridge.conf'
	rm -f '$(DESTDIR)$(CATALOGDIR)/wampbridge.catalog'
	rm -rf '$(DESTDIR)$(DOCDIR)'
	-rmdir '$(DESTDIR)$(VENDORDIR)/conf.d' '$(DESTDIR)$(VENDORDIR)'

# ---- libwampbridge ----

# The number of the ABI, then of what was added to it since, then of repairs.
LIBRARY_VERSION := 1.0.0
LIBRARY     := $(B)/libwampbridge.so.$(LIBRARY_VERSION)
LIBRARY_MAP := src/client/libwampbridge.map
LIBRARY_SRC := $(wildcard src/client/*.c) src/base/buf.c src/base/mem.c
LIBRARY_OBJ := $(LIBRARY_SRC:%.c=$(B)/pic/%.o)
LIBRARY_FUNCTIONS = $(shell sed -n 's/^[[:space:]]*\(wampbridge_[a-z_]*\);.*/\1/p' $(LIBRARY_MAP))

all: $(B)/libwampbridge.so $(B)/libwampbridge.a $(B)/libwampbridge.pc

$(B)/pic/%.o: %.c $(B)/flags
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(NEED) -Wconversion -fPIC $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIBRARY): $(LIBRARY_OBJ) $(LIBRARY_MAP)
	$(say) LD $@
	$(Q)$(CC) -shared $(CFLAGS) $(LINK) $(LDFLAGS) -Wl,-soname,libwampbridge.so.1 \
	  -Wl,--version-script=$(LIBRARY_MAP) $(if $(SAN),,-Wl,-z,defs) -o $@ $(LIBRARY_OBJ)

$(B)/libwampbridge.so: $(LIBRARY)
	$(Q)ln -sf $(<F) $(@D)/libwampbridge.so.1 && ln -sf libwampbridge.so.1 $@

# One object whose inner names are its own: base/ must not meet names of the program.
$(B)/libwampbridge.a: $(LIBRARY_OBJ)
	$(say) AR $@
	$(Q)$(CC) -r -nostdlib -o $(B)/pic/libwampbridge.o $^ && \
	  $(OBJCOPY) --localize-hidden $(B)/pic/libwampbridge.o && \
	  rm -f $@ && $(AR) rcs $@ $(B)/pic/libwampbridge.o

# The paths may differ at each call of make, so it is always made anew.
$(B)/libwampbridge.pc: src/client/libwampbridge.pc.in FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
	  -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' $< >$@

.PHONY: install-library install-completion uninstall-library
install: install-library install-completion
uninstall: uninstall-library

install-library: $(B)/libwampbridge.so $(B)/libwampbridge.a $(B)/libwampbridge.pc
	install -Dm755 $(LIBRARY) '$(DESTDIR)$(LIBDIR)/$(notdir $(LIBRARY))'
	ln -sf $(notdir $(LIBRARY)) '$(DESTDIR)$(LIBDIR)/libwampbridge.so.1'
	ln -sf libwampbridge.so.1 '$(DESTDIR)$(LIBDIR)/libwampbridge.so'
	install -Dm644 $(B)/libwampbridge.a '$(DESTDIR)$(LIBDIR)/libwampbridge.a'
	install -Dm644 $(B)/libwampbridge.pc '$(DESTDIR)$(LIBDIR)/pkgconfig/libwampbridge.pc'
	install -Dm644 include/wampbridge.h '$(DESTDIR)$(INCLUDEDIR)/wampbridge.h'
	install -Dm644 man/libwampbridge.3 '$(DESTDIR)$(MANDIR)/man3/libwampbridge.3'
	for f in $(LIBRARY_FUNCTIONS); do \
	  ln -sf libwampbridge.3 "$(DESTDIR)$(MANDIR)/man3/$$f.3" || exit 1; done

install-completion:
	install -Dm644 scripts/completion/wampctl.bash \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/wampctl'

uninstall-library:
	rm -f '$(DESTDIR)$(LIBDIR)'/libwampbridge.* '$(DESTDIR)$(LIBDIR)/pkgconfig/libwampbridge.pc' \
	  '$(DESTDIR)$(INCLUDEDIR)/wampbridge.h' '$(DESTDIR)$(MANDIR)/man3/libwampbridge.3' \
	  $(LIBRARY_FUNCTIONS:%='$(DESTDIR)$(MANDIR)/man3/%.3') \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/wampctl'

# What wampctl is measured against has nothing but libc.
$(B)/tests/bench/bare_client: $(B)/tests/bench/bare_client.o
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^

$(B)/tests/bench/wampctl_call: $(B)/tests/bench/wampctl_call.o $(B)/libwampbridge.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ -lpthread

-include $(LIBRARY_OBJ:.o=.d)

# ---- end of libwampbridge ----

clean:
	rm -rf build build-*

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(B)/src/main.d
-include $(wildcard $(B)/tests/*/*.d)
