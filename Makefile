# zooid: one Makefile, nothing recursive but the variants.
#
#   make                 the agent, build/bin/zooid-agent
#   make check           lint and every test; this is what CI runs
#   make help            all targets and variables
#
# Sources are found by wildcard, headers by -MMD: adding a file needs no change here.
# Everything is written below build/, a variant below build/<variant>/.

MAKEFLAGS += --no-builtin-rules --no-print-directory
# As many jobs as processors, unless told otherwise (MAKEFLAGS does not show it yet) or started by another make.
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(shell tr '\0' ' ' </proc/$$PPID/cmdline)),0)
MAKEFLAGS += -j$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

BUILD  ?= build
PREFIX ?= /usr
SYSCONFDIR ?= /etc
LIBDIR ?= $(PREFIX)/lib
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
B      := $(BUILD)$(if $(V),/$(V))
GEN    := $(BUILD)/gen

# ---- variants: V=lto (as packages are built), asan, ubsan, san (both at once), tsan, cover, fuzz, clang -------------
sanitizer := -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all -Wno-maybe-uninitialized -DZOOID_DCHECK

variant_flags.       := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fno-plt
variant_flags.lto    := $(variant_flags.) -flto=auto -ffat-lto-objects
variant_flags.clang  := $(variant_flags.)
variant_flags.asan   := $(sanitizer) -fsanitize=address
variant_flags.ubsan  := $(sanitizer) -fsanitize=undefined
variant_flags.san    := $(sanitizer) -fsanitize=address,undefined
# What stands behind && is not to be read ahead: it may be another thread's.
variant_flags.tsan   := $(sanitizer) -fsanitize=thread --param=logical-op-non-short-circuit=0
variant_flags.cover  := -O0 --coverage -DZOOID_DCHECK
variant_flags.fuzz   := $(filter-out -Wno-maybe-uninitialized,$(sanitizer)) -fsanitize=fuzzer-no-link,address,undefined
variant_cc.clang     := clang
variant_cc.fuzz      := clang

ifeq ($(variant_flags.$(V)),)
$(error There is no variant V=$(V); there are lto, asan, ubsan, san, tsan, cover, fuzz and clang)
endif
ifneq ($(variant_cc.$(V)),)
CC := $(variant_cc.$(V))
else ifeq ($(origin CC),default)
CC := gcc
endif

# GCC clears and copies structs with string instructions, which for some hundred bytes take longer to begin than moves of
# sixteen bytes take in all. Where a compiler can be told (GCC for x86), it takes those, and the C library's functions for
# more.
block_moves := vector_loop:512:noalign,libcall:-1:noalign
block_moves := -mmemset-strategy=$(block_moves) -mmemcpy-strategy=$(block_moves)
ifeq ($(filter-out lto,$(V)),)
variant_flags.$(V) += $(shell $(CC) $(block_moves) -E -x c /dev/null >/dev/null 2>&1 && echo '$(block_moves)')
endif

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS   ?= -g
LDFLAGS  ?=
compile   = $(CC) -std=c11 -D_GNU_SOURCE -I. -isystem $(GEN) $(WARNINGS) -fPIE $(variant_flags.$(V)) $(package_cflags) $(CFLAGS)
link      = $(CC) -pie -Wl,-z,relro,-z,now $(variant_flags.$(V)) $(CFLAGS) $(LDFLAGS)

# ---- sources ---------------------------------------------------------------------------------------------------------
CORE_SOURCES    := $(wildcard core/*/*.c)
AGENT_SOURCES   := $(filter-out agent/cli/%,$(wildcard agent/*.c agent/*/*.c))
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
TEST_SOURCES    := $(wildcard tests/unit/*/*_test.c tests/golden/*_test.c tests/crash/*_test.c tests/cases/runner.c)
FUZZ_SOURCES    := $(wildcard tests/fuzz/*_fuzz.c)
LIBRARY_SOURCES := $(wildcard bindings/c/*.c bindings/c/recipes/*.c)
CLI_SOURCES     := $(wildcard agent/cli/*.c)
HOST_SOURCES    := $(wildcard plugins/host/*.c plugins/host/*/*.c)
PLUGIN_SOURCES  := $(filter-out plugins/host/% plugins/include/%,$(wildcard plugins/*/*.c))
BENCH_SOURCES   := $(wildcard tests/bench/*.c)
BENCH_HELPERS   := $(wildcard tests/bench/lib/*.c)
SIM_SOURCES     := $(wildcard tests/sim/*.c tests/sim/*/*.c)
LONG_SCRIPTS    := $(wildcard tests/*/*_long.py)
TEST_SCRIPTS    := $(wildcard $(foreach area,clients golden crash agent ensembles packages bindings plugins,tests/$(area)/*_test.py tests/$(area)/*_test.sh))
LINT_SCRIPTS    := $(wildcard tests/lint/*.sh)
MAN_PAGES       := $(wildcard packaging/man/*.[1578])

# All tests run with sanitizers too, but those that say `sanitizers: no` in a comment of their own.
SAN_SOURCES := $(if $(TEST_SOURCES),$(shell grep -L '/\* sanitizers: no' $(TEST_SOURCES)))
SAN_SCRIPTS := $(if $(TEST_SCRIPTS),$(shell grep -L '^\# sanitizers: no' $(TEST_SCRIPTS)))
# What has threads runs with their sanitizer, too: C programs on libzooid, and the tests of the agent's threads.
TSAN_SOURCES := $(if $(SAN_SOURCES),$(shell grep -lE '^.include .(pthread|agent/disk/log_thread|agent/audit_log|tests/support/disk_rig)\.h' $(SAN_SOURCES)))
TSAN_SCRIPTS := $(if $(SAN_SCRIPTS),$(shell grep -l '^import program' $(SAN_SCRIPTS)))
ifneq ($(filter asan ubsan san tsan,$(V)),)
TEST_SOURCES := $(SAN_SOURCES)
endif

# Debian's name of Lua 5.4, else Fedora's.
lua = $$(pkg-config --exists lua5.4 && echo lua5.4 || echo lua)

object = $(patsubst %.c,$(B)/obj/%.o,$(1))

AGENT         := $(if $(filter agent/main.c,$(AGENT_SOURCES)),$(B)/bin/zooid-agent)
CORE_LIB      := $(B)/lib/libzooid-core.a
AGENT_LIB     := $(B)/lib/libzooid-agent.a
LIBRARY       := $(B)/lib/libzooid.so
LIBRARY_NAME  := libzooid.so.0
VERSION        = $(shell sed -n 's/^\#define ZOOID_VERSION_[MP][A-Z]* //p' bindings/c/include/zooid.h | paste -sd.)
CLI           := $(if $(CLI_SOURCES),$(B)/bin/zooid)
INSTALLED_CLI := $(if $(CLI_SOURCES),$(B)/installed/zooid)
HOST          := $(if $(HOST_SOURCES),$(B)/bin/zooid-plugin-host)
INSTALLED_HOST := $(if $(HOST_SOURCES),$(B)/installed/zooid-plugin-host)
PLUGIN_NAMES  := $(patsubst plugins/%/,%,$(sort $(dir $(PLUGIN_SOURCES))))
PLUGINS       := $(PLUGIN_NAMES:%=$(B)/lib/zooid/plugins/%.so)
LUA_PLUGINS   := $(wildcard plugins/*/*.lua)
PLUGIN_ABI     = $(shell sed -n 's/^\#define ZOOID_PLUGIN_ABI *//p' plugins/include/zooid_plugin.h)
SUPPORT_LIB   := $(B)/lib/libtest-support.a
BENCH_LIB     := $(B)/lib/libbench.a
TEST_PROGRAMS := $(patsubst %.c,$(B)/%,$(TEST_SOURCES))
FUZZERS       := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SOURCES))
SIM           := $(B)/tests/sim/sim
BENCHES       := $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH_SOURCES))

# T=base/bytes takes only the tests whose name contains it.
chosen = $(if $(T),$(foreach test,$(1),$(if $(findstring $(T),$(test)),$(test))),$(1))

# ---- what must be installed ------------------------------------------------------------------------------------------
# Included below, hence made first; make then starts over and finds the flags of the packages.
build_packages := $(BUILD)/packages.mk
test_packages  := $(BUILD)/.test-packages
package_tools  := $(BUILD)/.package-tools
needs_packages := $(filter-out help clean distclean print-version,$(or $(MAKECMDGOALS),all))

$(build_packages): packaging/install-deps
	@mkdir -p $(@D)
	@packaging/install-deps build
	@{ echo "package_cflags := $$(pkg-config --cflags libuv lmdb openssl zlib libdeflate jansson libprotobuf-c libconfig $(lua))"; \
	   echo "package_libs := $$(pkg-config --libs libuv lmdb openssl zlib libdeflate jansson libprotobuf-c) -lhttp_parser -lpthread"; \
	 } >$@

$(test_packages): packaging/install-deps
	@mkdir -p $(@D)
	@packaging/install-deps build test
	@touch $@

$(package_tools): packaging/install-deps
	@mkdir -p $(@D)
	@packaging/install-deps build package
	@touch $@

ifneq ($(needs_packages),)
include $(build_packages)
endif

# ---- rules -----------------------------------------------------------------------------------------------------------
# Holds the compiler and its flags and changes only with them: objects made with others are made again.
# WERROR is left out of it: it changes no object.
$(B)/compile: FORCE
	@mkdir -p $(@D)
	@echo '$(compile)' | cmp -s - $@ || echo '$(compile)' >$@

$(B)/obj/%.o: %.c $(B)/compile
	@mkdir -p $(@D)
	@echo "  CC    $(V) $<"
	@$(compile) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

# The protocol of the local door, and its code, which is not held to our warnings.
$(GEN)/local.pb-c.c $(GEN)/local.pb-c.h &: bindings/c/local.proto
	@mkdir -p $(GEN)
	@echo "  GEN    $<"
	@protoc-c --c_out=$(GEN) --proto_path=bindings/c $<

$(B)/obj/gen/%.o: $(GEN)/%.c $(B)/compile
	@mkdir -p $(@D)
	@$(compile) -w -c -o $@ $<

$(call object,$(wildcard agent/local/*.c)): $(GEN)/local.pb-c.h

define archive
@mkdir -p $(@D)
@rm -f $@
@$(AR) rcs $@ $(filter %.o,$^)
endef

$(CORE_LIB): $(call object,$(CORE_SOURCES))
	$(archive)
$(AGENT_LIB): $(call object,$(filter-out agent/main.c,$(AGENT_SOURCES)) $(wildcard bindings/c/codec*.c) bindings/c/patience.c) $(B)/obj/gen/local.pb-c.o
	$(archive)
$(SUPPORT_LIB): $(call object,$(SUPPORT_SOURCES))
	$(archive)
$(BENCH_LIB): $(call object,$(BENCH_HELPERS))
	$(archive)

$(B)/lib/libzooid-host.a: $(call object,$(filter-out plugins/host/main.c,$(HOST_SOURCES)) agent/base/journal.c agent/base/notify.c) $(LIBRARY)
	$(archive)

# libzooid: only what zooid.h marks can be seen from outside; protobuf-c is its only dependency.
$(B)/obj/bindings/c/%.o: bindings/c/%.c $(B)/compile $(GEN)/local.pb-c.h
	@mkdir -p $(@D)
	@echo "  CC    $(V) $<"
	@$(filter-out -fPIE,$(compile)) -fPIC -fvisibility=hidden $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

$(B)/obj/gen/local.pb-c.shared.o: $(GEN)/local.pb-c.c $(B)/compile
	@mkdir -p $(@D)
	@$(filter-out -fPIE,$(compile)) -fPIC -fvisibility=hidden -w -c -o $@ $<

$(LIBRARY): $(call object,$(LIBRARY_SOURCES)) $(B)/obj/gen/local.pb-c.shared.o
	@mkdir -p $(@D)
	@echo "  LINK  $(V) $@"
	@$(filter-out -pie,$(link)) -shared -Wl,-soname,$(LIBRARY_NAME) -Wl,--no-undefined -o $(B)/lib/$(LIBRARY_NAME) \
	    $^ $$(pkg-config --libs libprotobuf-c) -lpthread
	@ln -sf $(LIBRARY_NAME) $@

# The command twice: that of the tree finds the library beside it, the installed one where the system keeps libraries.
$(CLI): cli_flags := -Wl,-rpath,'$$ORIGIN/../lib'
$(CLI) $(INSTALLED_CLI): $(call object,$(CLI_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  LINK  $(V) $@"
	@$(link) -o $@ $(filter %.o,$^) -L$(B)/lib -lzooid $(cli_flags) $$(pkg-config --libs jansson libedit zlib)

# The host of plugins, twice as the command. What it loads finds the library's functions in it, and nothing else.
host_packages = libuv libconfig jansson libcrypto libedit $(lua)
$(HOST): host_flags := -Wl,-rpath,'$$ORIGIN/../lib'
$(HOST): | $(B)/share/zooid/lua $(B)/share/zooid/plugins
$(HOST) $(INSTALLED_HOST): $(call object,$(HOST_SOURCES) agent/base/journal.c agent/base/notify.c) $(LIBRARY)
	@mkdir -p $(@D)
	@echo "  LINK  $(V) $@"
	@$(link) -o $@ $(filter %.o,$^) -L$(B)/lib -lzooid $(host_flags) $$(pkg-config --libs $(host_packages)) -lm

# Where it looks for the library of scripts, and for plugins that are scripts.
$(B)/share/zooid/lua:
	@mkdir -p $(@D)
	@ln -sfn $(CURDIR)/lua $@
$(B)/share/zooid/plugins: $(LUA_PLUGINS)
	@mkdir -p $@
	@ln -sf $(abspath $^) $@
	@touch $@

# A folder of plugins/ is a plugin: a shared object, and an archive for the tests of its parts. What it is linked with
# stands here, by its name.
plugin_libs.discovery := -ljansson -lconfig
plugin_libs.health    := -lcurl -ljansson -lpthread

$(B)/obj/plugins/%.o: plugins/%.c $(B)/compile
	@mkdir -p $(@D)
	@echo "  CC    $(V) $<"
	@$(if $(filter host/%,$*),$(compile),$(filter-out -fPIE,$(compile)) -Iplugins/include -fPIC -fvisibility=hidden) \
	    $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

.SECONDEXPANSION:
$(PLUGINS): $(B)/lib/zooid/plugins/%.so: $$(call object,$$(wildcard plugins/$$*/*.c))
	@mkdir -p $(@D)
	@echo "  LINK  $(V) $@"
	@$(filter-out -pie,$(link)) -shared -Wl,--no-undefined -o $@ $^ $(plugin_libs.$*)

$(PLUGIN_NAMES:%=$(B)/lib/plugins/%.a): $(B)/lib/plugins/%.a: $$(call object,$$(wildcard plugins/$$*/*.c))
	$(archive)

# The Python packages as they are installed, below python/: for PYTHONPATH. setup.py says how they are built.
PYTHON          ?= /usr/bin/python3
PYTHON_PACKAGES := zooid zookeeper
python_home     = bindings/python$(if $(filter zooid,$(1)),,-$(1))

$(PYTHON_PACKAGES:%=$(B)/python/.%): $(B)/python/.%: $$(wildcard $$(call python_home,$$*)/* $$(call python_home,$$*)/$$*/*) \
		$(wildcard bindings/swig/*) bindings/c/include/zooid.h | $(LIBRARY) $(test_packages)
	@mkdir -p $(@D) $(B)/obj/python/$*
	@echo "  PYTHON $*"
	@cd $(call python_home,$*) && ZOOID_BUILD=$(abspath $(B)) PYTHONDONTWRITEBYTECODE=1 $(PYTHON) setup.py -q build \
	    --build-base $(abspath $(B))/obj/python/$* --build-lib $(abspath $(B))/python >$(abspath $@).log 2>&1 || \
	    { cat $(abspath $@).log; exit 1; }
	@touch $@

# For whoever builds against the tree itself: PKG_CONFIG_PATH=$(B)/lib/pkgconfig.
$(B)/lib/pkgconfig/zooid.pc: bindings/c/zooid.pc.in bindings/c/include/zooid.h | $(LIBRARY)
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(CURDIR)/bindings/c|' -e 's|@LIBDIR@|$(abspath $(B))/lib|' -e 's|@VERSION@|$(VERSION)|' \
	    -e 's|^Libs: |&-Wl,-rpath,$(abspath $(B))/lib |' $< >$@

# What SWIG makes for Go is kept in the tree, so that `go build` needs no SWIG. A lint makes it again and compares.
GO_SWIG := bindings/go/zooid/internal/swig
swig-go:
	@mkdir -p $(GO_SWIG)
	@bindings/swig/make-go $(GO_SWIG)

# $(call link_program,more flags before the libraries,more libraries)
define link_program
@mkdir -p $(@D)
@echo "  LINK  $(V) $@"
@$(link) -o $@ $(1) $(filter %.o,$^) $(filter %.a,$^) $(2) $(package_libs)
endef

$(B)/bin/zooid-agent: $(call object,agent/main.c) $(AGENT_LIB) $(CORE_LIB)
	$(call link_program)

# A test may ask for flags with a line `/* link: -Wl,--wrap=mem_alloc */` among its first ten.
test_flags = $(shell sed -n '1,10s@^.*/\* link: *\(.*[^ ]\) *\*/.*$$@\1@p' $(1))

# Tests of the host of plugins are linked with it, and with libzooid.
host_tests = $(filter $(B)/tests/unit/plugins/%,$(TEST_PROGRAMS))
$(host_tests): $(B)/lib/libzooid-host.a
$(host_tests): test_libs = -L$(B)/lib -lzooid -Wl,-rpath,$(abspath $(B))/lib $$(pkg-config --libs $(host_packages)) -lm

plugin_test_programs = $(filter $(B)/tests/unit/$(1)/%,$(TEST_PROGRAMS))

$(filter-out $(foreach name,$(PLUGIN_NAMES),$(call plugin_test_programs,$(name))),$(TEST_PROGRAMS)): $(B)/%: $(B)/obj/%.o $(SUPPORT_LIB) $(AGENT_LIB) $(CORE_LIB) | $(test_packages)
	$(call link_program,$(call test_flags,$*.c),-lcmocka $(test_libs))

# The tests of a plugin's parts, and fuzzers called after it, are linked with the plugin, and with what helps tests.
$(call object,$(wildcard $(PLUGIN_NAMES:%=tests/unit/%/*.c) $(PLUGIN_NAMES:%=tests/fuzz/%_*.c))): private CFLAGS += -Iplugins/include
define plugin_tests
$(if $(call plugin_test_programs,$(1)),$(call plugin_test_programs,$(1)): $(B)/%: $(B)/obj/%.o $(B)/lib/plugins/$(1).a $(SUPPORT_LIB) $(CORE_LIB) | $(test_packages)
	$$(call link_program,$$(call test_flags,$$*.c),$(plugin_libs.$(1)) -lcmocka))
$(if $(filter $(BUILD)/fuzz/$(1)_%,$(FUZZERS)),$(filter $(BUILD)/fuzz/$(1)_%,$(FUZZERS)): $(BUILD)/fuzz/%_fuzz: $(B)/obj/tests/fuzz/%_fuzz.o $(B)/lib/plugins/$(1).a $(SUPPORT_LIB) $(CORE_LIB)
	$$(call link_program,-fsanitize=fuzzer,$(plugin_libs.$(1))))
endef
$(foreach name,$(PLUGIN_NAMES),$(eval $(call plugin_tests,$(name))))

$(B)/bench/door $(B)/bench/door_load: bench_libs := -L$(B)/lib -lzooid -Wl,-rpath,$(abspath $(B))/lib
$(B)/bench/door $(B)/bench/door_load: $(LIBRARY)
$(B)/bench/c_client: bench_libs := -lzookeeper_mt
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(BENCH_LIB) $(CORE_LIB) | $(test_packages)
	$(call link_program,,-lm $(bench_libs))

$(SIM): $(call object,$(SIM_SOURCES)) $(SUPPORT_LIB) $(CORE_LIB)
	$(call link_program)

# Only with V=fuzz, whose objects are instrumented.
$(BUILD)/fuzz/%_fuzz: $(B)/obj/tests/fuzz/%_fuzz.o $(SUPPORT_LIB) $(AGENT_LIB) $(CORE_LIB)
	$(call link_program,-fsanitize=fuzzer)

$(BUILD)/fuzz/channel_fuzz: $(B)/obj/plugins/host/supervise/channel.o

$(call object,$(TEST_SOURCES) $(SUPPORT_SOURCES) $(FUZZ_SOURCES) $(BENCH_SOURCES) $(SIM_SOURCES)): | $(test_packages)
.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- targets ---------------------------------------------------------------------------------------------------------
.PHONY: all python swig-go help run demo check test test-long unit lint format asan ubsan san tsan cover bench measure fuzz sim \
	package install install-plugins install-bindings install-python install-go clean distclean print-version FORCE programs objects fuzzers variant-san variant-tsan variant-fuzz

all: $(AGENT) $(if $(AGENT),,$(AGENT_LIB) $(CORE_LIB)) $(LIBRARY) $(CLI) $(HOST) $(PLUGINS)

python: $(PYTHON_PACKAGES:%=$(B)/python/.%)

help:
	@echo 'make [all]       build the agent, libzooid and the command zooid'
	@echo 'make python      build the Python packages below $(BUILD)/python'
	@echo 'make swig-go     make the part of the Go package again that SWIG writes'
	@echo 'make run         start it in the foreground on 127.0.0.1:2181, data below $(BUILD)/run'
	@echo 'make demo        the main job on real input (nginx, haproxy), and a story with clients in four languages'
	@echo 'make check       lint and every test'
	@echo 'make unit        the tests written in C; T=base/bytes takes those whose name contains it'
	@echo 'make test        all tests: C, sanitizers, fuzzers for 5 s each, real clients, lint'
	@echo 'make test-long   the same with everything enumerated instead of sampled'
	@echo 'make lint        include arrows, purity of core, banned calls, format, clang-tidy, shellcheck'
	@echo 'make format      let clang-format rewrite the sources'
	@echo 'make asan ubsan san tsan    the C tests with sanitizers; tsan: and programs on libzooid'
	@echo 'make cover       the C tests, with the lines they reach'
	@echo 'make sim         simulated ensembles: SEEDS=1000 of them, or SEED=n WORLD=zab|replica with its trace'
	@echo 'make bench       measure against Apache ZooKeeper, built as packages are'
	@echo 'make fuzz        run each fuzzer for SECONDS=60'
	@echo 'make install     to DESTDIR and PREFIX=/usr; install-bindings: and the packages for Python and Go'
	@echo 'make package     the deb and the rpm packages, in $(BUILD)/packages'
	@echo 'make clean, make distclean'
	@echo 'Variables: V=asan|ubsan|san|tsan|cover|clang builds that variant; CC=clang; WERROR=1; BUILD=directory'

run: all
	@mkdir -p $(BUILD)/run/data
	@printf '%s\n' dataDir=$(BUILD)/run/data clientPort=2181 clientPortAddress=127.0.0.1 >$(BUILD)/run/zoo.cfg
	$(AGENT) -c $(BUILD)/run/zoo.cfg

demo: all python $(B)/lib/pkgconfig/zooid.pc | $(test_packages)
	@ZOOID_ROOT=$(CURDIR) ZOOID_AGENT=$(abspath $(AGENT)) tests/demo/run

# Interpreters have no sanitizers, so their packages are built without.
programs: all $(call chosen,$(TEST_PROGRAMS) $(SIM)) $(if $(V),,python $(B)/lib/pkgconfig/zooid.pc)
objects: $(call object,$(CORE_SOURCES) $(AGENT_SOURCES) $(HOST_SOURCES) $(PLUGIN_SOURCES) $(SUPPORT_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES) \
	$(BENCH_SOURCES) $(BENCH_HELPERS) $(SIM_SOURCES))
fuzzers: $(FUZZERS)

# One list for the runner, which prints one closing line for all of it.
c_tests   = --build $(B) $(call chosen,$(TEST_PROGRAMS))
san_sim   = $(patsubst $(BUILD)/%,$(BUILD)/san/%,$(SIM))
tsan_tests = --build $(BUILD)/tsan $(call chosen,$(patsubst %.c,$(BUILD)/tsan/%,$(TSAN_SOURCES)) $(TSAN_SCRIPTS))
san_tests = --build $(BUILD)/san $(call chosen,$(patsubst %.c,$(BUILD)/san/%,$(SAN_SOURCES)) $(SAN_SCRIPTS)) \
	    $(if $(call chosen,$(SIM)),'$(san_sim) --sample --seconds 15')
sim_tests = $(if $(call chosen,$(SIM)),'$(SIM) --world zab --sample' '$(SIM) --world replica --sample' '$(SIM) --mutants')
all_tests = $(call chosen,$(LINT_SCRIPTS)) $(c_tests) $(sim_tests) $(call chosen,$(TEST_SCRIPTS)) \
	    $(patsubst %,'tests/fuzz/run %',$(call chosen,$(FUZZERS))) $(san_tests) $(tsan_tests)
packages  = $(if $(call chosen,$(wildcard tests/packages/*_test.py)),package)

unit: programs
	@tests/run $(c_tests)

check: test
test: programs variant-san variant-tsan variant-fuzz $(packages)
	@tests/run $(all_tests)

test-long: programs variant-san variant-tsan variant-fuzz $(packages)
	@packaging/install-deps long
	@ZOOID_LONG=1 tests/run --patience 10 $(all_tests) --build $(B) $(call chosen,$(LONG_SCRIPTS))

variant-san:
	@$(MAKE) V=san programs
variant-tsan:
	@$(MAKE) V=tsan all $(call chosen,$(patsubst %.c,$(BUILD)/tsan/%,$(TSAN_SOURCES)))
variant-fuzz:
	@$(MAKE) V=fuzz fuzzers

asan ubsan san:
	@$(MAKE) V=$@ unit
tsan: variant-tsan
	@$(MAKE) V=tsan unit
	@tests/run $(tsan_tests)
cover:
	@find $(BUILD)/cover -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) V=cover unit
	@tests/cover $(BUILD)/cover

lint: $(CORE_LIB) | $(test_packages)
	@tests/run --build $(B) $(LINT_SCRIPTS)

format: | $(test_packages)
	@tests/lint/format.sh --rewrite

# Programs are measured as packages have them.
bench:
	@$(MAKE) V=lto measure
measure: all $(BENCHES) python $(B)/lib/pkgconfig/zooid.pc
	@ZOOID_ROOT=$(CURDIR) ZOOID_AGENT=$(abspath $(AGENT)) ZOOID_BUILD=$(abspath $(B)) tests/bench/run $(ARGS)

# A seed alone is printed event by event, in both worlds or in WORLD; MUTANT=name builds a deliberate bug in.
SEEDS ?= 1000
sim: $(SIM)
	@$(SIM) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(if $(WORLD),--world $(WORLD)) \
	    $(if $(MUTANT),--mutant $(MUTANT)) $(ARGS)

SECONDS ?= 60
fuzz: variant-fuzz
	@ZOOID_FUZZ_SECONDS=$(SECONDS) tests/run --jobs 2 --limit $$(($(SECONDS) + 300)) \
	    $(patsubst %,'tests/fuzz/run %',$(call chosen,$(FUZZERS)))

package: | $(package_tools)
	@packaging/make-packages $(BUILD)

print-version:
	@echo $(VERSION)

install: all $(INSTALLED_CLI) $(INSTALLED_HOST) install-plugins
	install -D -m 755 $(AGENT) $(DESTDIR)$(PREFIX)/bin/zooid-agent
	install -D -m 755 $(INSTALLED_CLI) $(DESTDIR)$(PREFIX)/bin/zooid
	install -D -m 755 $(B)/lib/$(LIBRARY_NAME) $(DESTDIR)$(LIBDIR)/$(LIBRARY_NAME)
	ln -sf $(LIBRARY_NAME) $(DESTDIR)$(LIBDIR)/libzooid.so
	install -D -m 644 bindings/c/include/zooid.h $(DESTDIR)$(PREFIX)/include/zooid.h
	install -D -m 644 bindings/c/local.proto $(DESTDIR)$(PREFIX)/share/zooid/local.proto
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' bindings/c/zooid.pc.in \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/zooid.pc
	install -D -m 644 packaging/completions/zooid.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/zooid
	install -D -m 644 packaging/completions/_zooid $(DESTDIR)$(ZSH_COMPLETIONS)/_zooid
	install -D -m 644 packaging/completions/zooid.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/zooid.fish
	install -D -m 644 packaging/systemd/zooid-agent.service $(DESTDIR)$(UNITDIR)/zooid-agent.service
	install -D -m 644 packaging/sysusers/zooid.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/zooid.conf
	install -D -m 644 packaging/tmpfiles/zooid.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/zooid.conf
	install -D -m 644 packaging/logrotate/zooid-agent $(DESTDIR)$(SYSCONFDIR)/logrotate.d/zooid-agent
	[ -e $(DESTDIR)$(SYSCONFDIR)/zooid/zoo.cfg ] || \
	    install -D -m 644 packaging/zoo.cfg $(DESTDIR)$(SYSCONFDIR)/zooid/zoo.cfg
	@for page in $(MAN_PAGES); do \
	    install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; \
	done

# The host of plugins, and those that come with it.
install-plugins: all $(INSTALLED_HOST)
	install -D -m 755 $(INSTALLED_HOST) $(DESTDIR)$(PREFIX)/bin/zooid-plugin-host
	@for plugin in $(PLUGINS); do \
	    install -D -m 644 $$plugin $(DESTDIR)$(LIBDIR)/zooid/plugins/$${plugin##*/} || exit 1; \
	done
	@for script in $(LUA_PLUGINS); do \
	    install -D -m 644 $$script $(DESTDIR)$(PREFIX)/share/zooid/plugins/$${script##*/} || exit 1; \
	done
	cd lua && find zooid -type f -name '*.lua' -exec install -D -m 644 {} $(abspath $(DESTDIR)$(PREFIX)/share/zooid)/lua/{} \;
	install -D -m 644 plugins/include/zooid_plugin.h $(DESTDIR)$(PREFIX)/include/zooid_plugin.h
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@ABI@|$(PLUGIN_ABI)|' \
	    plugins/include/zooid-plugin.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/zooid-plugin.pc
	install -D -m 644 packaging/systemd/zooid-plugins.service $(DESTDIR)$(UNITDIR)/zooid-plugins.service
	install -D -m 644 packaging/sysusers/zooid-plugins.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/zooid-plugins.conf
	install -D -m 644 packaging/tmpfiles/zooid-plugins.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/zooid-plugins.conf
	[ -e $(DESTDIR)$(SYSCONFDIR)/zooid/plugins.conf ] || \
	    install -D -m 644 packaging/plugins/plugins.conf $(DESTDIR)$(SYSCONFDIR)/zooid/plugins.conf
	install -D -m 644 packaging/plugins/health.conf $(DESTDIR)$(PREFIX)/share/zooid/examples/plugins.d/health.conf
	install -D -m 644 plugins/discovery/example.conf $(DESTDIR)$(PREFIX)/share/zooid/examples/services.d/web.conf
	@for file in hello.c Makefile; do \
	    install -D -m 644 plugins/examples/hello/$$file $(DESTDIR)$(PREFIX)/share/zooid/examples/hello/$$file || exit 1; \
	done
	@for script in $(wildcard lua/examples/*.lua); do \
	    install -D -m 644 $$script $(DESTDIR)$(PREFIX)/share/zooid/examples/lua/$${script##*/} || exit 1; \
	done

# Where Python looks: deb_system is Debian's name for what elsewhere is the default.
python_path = $(shell $(PYTHON) -c 'from sysconfig import *; print(get_path("$(1)", \
    "deb_system" if "deb_system" in get_scheme_names() else get_default_scheme(), {"base": "$(PREFIX)", "platbase": "$(PREFIX)"}))')
PYTHON_PURELIB ?= $(call python_path,purelib)
PYTHON_PLATLIB ?= $(call python_path,platlib)

# The packages of other languages, built against what `install` put there.
install-bindings: install-python install-go

install-python: install
	@for home in $(foreach package,$(PYTHON_PACKAGES),$(call python_home,$(package))); do \
	    echo "  PYTHON $$home"; \
	    (cd $$home && unset ZOOID_BUILD && export PYTHONDONTWRITEBYTECODE=1 && \
	     export PKG_CONFIG_SYSROOT_DIR=$(abspath $(DESTDIR)) PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 && \
	     export PKG_CONFIG_LIBDIR=$(abspath $(DESTDIR)$(LIBDIR)/pkgconfig) && \
	     $(PYTHON) setup.py -q build --build-base $$(realpath -m --relative-to=. $(abspath $(B))/obj/installed/$$home) \
	         install --root $(abspath $(DESTDIR)/) \
	         --install-purelib $(PYTHON_PURELIB) --install-platlib $(PYTHON_PLATLIB) --no-compile) || exit 1; \
	done

# Go packages are installed as sources; where Debian has them.
GO_SOURCES_DIR ?= $(PREFIX)/share/gocode/src
install-go:
	cd bindings/go/zooid && find . -type f ! -name '*_test.go' \
	    -exec install -D -m 644 {} $(abspath $(DESTDIR)$(GO_SOURCES_DIR))/zooid/{} \;

clean:
	rm -rf $(BUILD)

# As clean, and what editors and interpreters leave behind in the tree.
distclean: clean
	rm -f compile_commands.json
	find . -name .git -prune -o \( -name '*~' -o -name '*.pyc' -o -name '*.orig' \) -exec rm -f {} +
	find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +
