# Usage:
#   make                              build everything into build/
#   make check                        unit tests, simulated world, lint, every header compiles alone
#   make SAN=address,undefined check  the same under sanitizers, in a build directory of its own
#   make e2e                          end-to-end tests on the routers that are there
#   make bench                        speed, beside a plain relay; bench-instructions: by callgrind
#   make lint                         source rules, layers, manual pages
#   make format                       clang-format in place
#   make install DESTDIR=... PREFIX=...
#   V=1 shows commands; WERROR=1 turns warnings into errors (CI does).

VERSION := 0.1.0

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/wampbridge
DESTDIR    ?=

PKG_CONFIG ?= pkg-config
PKGS  := libuv libwebsockets jansson yaml-0.1 openssl
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
CLI_SRC  := $(sort $(wildcard src/client/*.c src/cli/*.c))
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
.PHONY: all check unit sim e2e lint headers format bench bench-instructions install clean FORCE

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

$(B)/wampctl: $(CLI_OBJ) $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ -luv -ljansson

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka -lm

$(B)/tests/sim/%: $(B)/tests/sim/%.o $(SIM_OBJ) $(B)/libdaemon.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka -lm

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

install: all
	install -Dm755 $(B)/wampbridged '$(DESTDIR)$(SBINDIR)/wampbridged'
	install -Dm755 $(B)/wampctl '$(DESTDIR)$(BINDIR)/wampctl'
	install -Dm644 etc/wampbridge.yaml '$(DESTDIR)$(DOCDIR)/examples/wampbridge.yaml'
	for p in man/*.[1-8]; do \
	  install -Dm644 $$p "$(DESTDIR)$(MANDIR)/man$${p##*.}/$${p##*/}" || exit 1; done

clean:
	rm -rf build build-*

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(B)/src/main.d
-include $(wildcard $(B)/tests/*/*.d)
