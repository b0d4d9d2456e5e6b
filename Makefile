# make help lists what there is; the README says more. Everything that is built lies
# under build/.

.DEFAULT_GOAL := run

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# No node's clock is before it (https://reproducible-builds.org/specs/source-date-epoch/).
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.buildTime=$(SOURCE_DATE_EPOCH)

# The Debian whose Erlang/OTP is the newer one in the tests.
NEWER := trixie

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# AS and ARCH stand in make itself, and in the environment of who builds for boards, and mean something else there.
given = $(filter command,$(origin $(1)))
# What the lab needs, as Debian names it.
LAB_PACKAGES := qemu-system-x86 linux-image-cloud-amd64 squashfs-tools e2fsprogs erlang-base
# QEMU for the processors that boards have: make run ARCH=arm64.
LAB_PACKAGES += $(if $(call given,ARCH),$(if $(filter arm64,$(ARCH)),qemu-system-arm))

# What the tests need beside that. The second kernel has drivers of watchdogs.
PACKAGES = $(LAB_PACKAGES) linux-image-amd64 \
  erlang-dev erlang-ssl erlang-parsetools rebar3 elixir \
  cpio fdisk f2fs-tools dosfstools btrfs-progs xfsprogs erofs-utils cryptsetup-bin util-linux \
  grub-common grub-pc-bin u-boot-qemu u-boot-tools libubootenv-tool rauc swupdate \
  iproute2 iputils-ping nftables hostname tshark dnsmasq-base isc-dhcp-server \
  avahi-daemon avahi-utils dbus-daemon dropbear-bin chrony \
  gcc libc6-dev binutils strace python3 openssl busybox-static runc mandoc chromium

# Root needs no sudo.
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)

LAB     := build/lab-tool
LABARGS  = $(if $(RELEASE),-release '$(or $(filter demo:%,$(RELEASE)),$(abspath $(RELEASE)))') $(if $(IMAGE),-image '$(abspath $(IMAGE))') $(if $(NODES),-nodes $(NODES)) $(if $(call given,ARCH),-arch $(ARCH)) \
           $(if $(KERNEL),-kernel '$(abspath $(KERNEL))') $(if $(MEM),-mem $(MEM)) $(if $(PCAP),-pcap) \
           $(if $(TCG),-tcg) $(if $(AUTO),-auto) $(if $(call given,AS),-as $(AS)) $(if $(APPEND),-append '$(APPEND)') $(if $(FILE),'$(abspath $(FILE))')

# WEB=1 or WEB=PORT.
WEBFLAG = $(if $(WEB),-web$(if $(filter-out 1,$(WEB)),=$(WEB)))

.PHONY: help xterm newer-otp run up image down status watch test quick soak vet unit nodes namespaces layer lab e2e scenarios disk-cuts bench bench-boot bench-cluster bench-mesh crowd bad-line fuzz chaos truth auto other-arch boards updates cross init watch-tool deps clean
.PHONY: build/init build/lab-tool build/beaminit-watch build/bench build/test # go knows better than make what is up to date

run: ## three nodes in QEMU, their health on screen; with WEB=1 in a browser, too (RELEASE=DIR NODES=N AUTO=1 IMAGE=DIR FILE=lab.toml …: docs/lab.md)
up: ## the same in the background, when the cluster is whole
image: ## only the image of the nodes
run: LABARGS += $(WEBFLAG)
run up image: PACKAGES = $(LAB_PACKAGES)
run up image: deps build/init $(LAB)
	@$(LAB) $@ $(LABARGS)

down: ## ends what make up began
status: ## the state of its nodes; exit status 0 where all are up
watch: ## their health on screen; with WEB=1 in a browser, too
down status watch: $(LAB)
	@$(LAB) $@ $(if $(filter watch,$@),$(WEBFLAG))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The packages whose tests build the program or the layer for Yocto: minutes.
SLOW := /(cmd|yocto-layer)(/|$$)

# Each stage is a target of its own.
STAGES := deps newer-otp vet unit nodes
test: ## every test, in stages: a quarter of an hour on two cores
	@begin=$$(date +%s); n=0; \
	since() { s=$$(($$(date +%s) - begin)); printf '%d:%02d' $$((s / 60)) $$((s % 60)); }; \
	for stage in $(STAGES); do \
	  n=$$((n + 1)); echo "== $$(since) stage $$n of $(words $(STAGES)): $$stage"; \
	  $(MAKE) --no-print-directory $$stage || { echo "== $$(since) stage $$stage failed"; exit 1; }; \
	done; echo "== $$(since) everything passed"

quick: ## vet, and the tests that want neither root nor QEMU: a minute
	go vet ./... && cd qemu && go vet ./...
	go test -p 4 -parallel 4 $$(go list ./... | grep -vE '$(SLOW)')

# What takes hours: other figures than those of make test, from other seeds.
SOAK := cross chaos truth fuzz auto other-arch boards updates scenarios disk-cuts bench bench-boot bench-cluster bench-mesh crowd bad-line
soak: FUZZTIME := 10m
soak: $(SOAK) ## chaos, power cuts, long fuzzing, benchmarks: for a night

# The processors that boards have. make test builds for two of them.
ARCHES := 386 amd64 arm arm64 riscv64 mipsle ppc64le loong64
# The systems on which boards are watched.
WATCHERS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64 freebsd/amd64
cross: ## builds the program for every processor, with its tests, and beaminit-watch for every system
	@for arch in $(ARCHES); do \
	  echo "$$arch"; CGO_ENABLED=0 GOARCH=$$arch go build -trimpath -o /dev/null ./cmd/init && \
	  CGO_ENABLED=0 GOARCH=$$arch go vet ./... || exit 1; done
	@for on in $(WATCHERS); do \
	  echo "beaminit-watch for $$on"; (cd qemu && CGO_ENABLED=0 GOOS=$${on%/*} GOARCH=$${on#*/} go build -trimpath -o /dev/null ./cmd/beaminit-watch) || exit 1; done
	case $$(uname -m) in x86_64) GOARCH=386 go test -count=1 ./internal/seccomp;; esac

vet:
	go vet ./... && cd qemu && go vet ./...
	GOFLAGS= go run $(STATICCHECK) ./... && cd qemu && GOFLAGS= go run $(STATICCHECK) ./...

# Without root and QEMU but for a few that make themselves namespaces; tests of nodes are
# skipped here. Many wait, so more packages run at once than there are processors.
unit:
	go test -race -p 4 -parallel 4 -timeout 10m $$(go list ./... | grep -vE '$(SLOW)')

# The real PID 1 in namespaces, with real ERTS: the tests in *_machine_test.go, beside what
# they test, and what they are made of by make (build/test). One of them alone:
# make namespaces PKG=./supervise RUN=TestReexec
MACHINES = $(shell find . -name '*_machine_test.go' -not -path './build/*')
PKG = $(sort $(dir $(MACHINES)))
RUN = $(shell grep -ohE '^func Test[A-Z][A-Za-z0-9]*' $(MACHINES) | cut -c6- | sort -u | paste -sd'|')
MACHINE_TEST = BEAMINIT_TEST=$(CURDIR)/build/test go test -count=1
namespaces: build/test
	@$(MACHINE_TEST) -timeout 20m -parallel 3 $(if $(findstring |,$(RUN)),,-v) -run '^($(RUN))$$' $(PKG)

# One after the other: beside virtual machines, nodes in namespaces have a twentieth of the
# processors left, and tests that wait for them are late. One that is red does not keep the
# others from running.
nodes:
	@$(MAKE) --no-print-directory -k namespaces layer lab e2e

# The program's size and processors; the layer for Yocto.
layer: build/test
	@$(MACHINE_TEST) -timeout 20m $$(go list ./... | grep -E '$(SLOW)')

lab:
	cd qemu && go test -timeout 10m $$(go list ./... | grep -v /e2e)

e2e: build/init
	@$(TERMINAL)
	cd qemu && go test -timeout 30m -count=1 -parallel 3 ./e2e

# Ten times each is what says that they hold.
TIMES := 1
scenarios: build/init ## plays each of qemu/scenarios, TIMES times (AS=ns: in namespaces, as make test does)
	cd qemu && go test -timeout 5h -count=1 -run TestScenarios ./e2e -soak -scenario.as $(if $(call given,AS),$(AS),vm) -scenario.times $(TIMES)

bad-line: deps build/test ## four nodes on a line that loses a fifth of all packets, and delays those of one, for ten minutes
	@$(MACHINE_TEST) -timeout 40m -run 'TestBadLine' -v ./cluster -bad.line 10m

# Of one boot, each to a moment of its own.
CUTS := 200
disk-cuts: build/init build/test ## CUTS power cuts while a data partition is made, grown and written to, in QEMU
	cd qemu && go test -timeout 5h -count=1 -run TestDiskPowerCuts ./e2e -power.cuts $(CUTS)

auto: build/init ## nodes that nobody tells anything, and of other kinds of releases, become a cluster, in QEMU
	cd qemu && go test -timeout 10m -count=1 -run 'TestAuto|TestFamilies|TestTwoLANs' ./e2e -soak

other-arch: build/init ## a cluster of nodes with different processors, in QEMU
	@$(MAKE) --no-print-directory deps ARCH=arm64
	cd qemu && go test -timeout 30m -count=1 -run TestProcessors ./e2e -soak

boards: build/init ## power cuts, an overlay for a root, links of disks, drivers of what is plugged in, a watchdog while the root is awaited, in QEMU
	cd qemu && go test -timeout 20m -count=1 -run 'TestPowerCuts|TestOverlayRoot|TestDiskLinks|TestAutoload|TestWatchdogWithoutRoot' ./e2e -soak

updates: build/init ## updates that are broken, or cut off, fall back by themselves, in QEMU
	cd qemu && go test -timeout 30m -count=1 -run TestUpdate ./e2e -soak

# make bench INIT=path/to/another/init compares.
# What a restart of the release takes stands beside BusyBox init's respawn, and its start
# beside that by its own script.
bench: deps build/init build/bench build/test ## what a boot and a restart cost (INIT=PATH: another init beside it)
	@cd qemu && ../build/bench ../build/init $(if $(INIT),'$(abspath $(INIT))')
	@$(MACHINE_TEST) -run '^$$' -bench Restart -benchtime 10x ./supervise | grep '^restart:'
	@$(MACHINE_TEST) -run '^$$' -bench Started -benchtime 11x ./node > build/bench-started.log || { cat build/bench-started.log; exit 1; }
	@grep -o 'started: .*' build/bench-started.log

# A release that tries to pass for its node, so many times; make test has fewer.
TRUTH_TRIES := 1000000
truth: ## TRUTH_TRIES attempts to forge a health record
	go test -count=1 -timeout 1h -run 'TestTruth' ./health -truth.tries $(TRUTH_TRIES)

# Each fuzz target for FUZZTIME.
FUZZTIME := 10s
fuzz: ## each parser for FUZZTIME
	@for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

# Chaos: everything that can happen to a node, so many times; CI has fewer.
EVENTS := 3000
chaos: deps build/test ## EVENTS events and boots of nodes in namespaces
	$(MACHINE_TEST) -timeout 5h -v -run 'Chaos|EarlySignals|PowerCuts' ./supervise -chaos.events $(EVENTS) -chaos.boots $(EVENTS)
	$(MACHINE_TEST) -timeout 1h -v -run 'FormatCuts' ./node -format.cuts 200

watch-tool: build/beaminit-watch ## beaminit-watch, which reads serial lines of boards, for any machine (GOOS=darwin GOARCH=arm64 for another)

WATCH := build/beaminit-watch
build/beaminit-watch:
	@mkdir -p build; test -e $(WATCH) || echo "building beaminit-watch"
	@cd qemu && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o '$(abspath $(WATCH))' ./cmd/beaminit-watch

init: build/init ## the program, build/init (GOARCH=… for another board)

# Tests have others built: OUT=FILE TAGS=WORDS.
OUT := build/init
build/init:
	@mkdir -p build; test -e $(OUT) || echo "building the init"
	@CGO_ENABLED=0 go build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(OUT) ./cmd/init

# What the nodes of the tests are made of (package internal/machine): the program as it is
# shipped, with the hook that makes it panic, and with the end for a child that makes a system
# call that its list has not; what makes them namespaces; and releases of each kind.
KINDS := internal/machine/testdata/kinds
RELEASE_ENV := MIX_ENV=prod HEX_OFFLINE=1 REBAR_OFFLINE=1 LANG=C.UTF-8
build/test: build/test/systools build/test/relx build/test/mix build/test/newer-$(NEWER)
	@$(MAKE) -s build/init OUT=build/test/init TAGS= VERSION=dev
	@$(MAKE) -s build/init OUT=build/test/init-fault TAGS=fault VERSION=dev
	@$(MAKE) -s build/init OUT=build/test/init-strict TAGS=seccompkill VERSION=dev
	@go build -o build/test/enter ./internal/machine/enter
	@ln -sfn newer-$(NEWER) build/test/newer && ln -sfn ../../$(KINDS) build/test/kinds

build/test/systools: $(wildcard qemu/demo/build.escript qemu/demo/eclero/*)
	@rm -rf $@ && mkdir -p $@ && escript qemu/demo/build.escript qemu/demo/eclero $@ && touch $@

build/test/relx: $(shell find $(KINDS)/relx -type f)
	@rm -rf $@ && mkdir -p build/test && cp -r $(KINDS)/relx $@ && cd $@ && \
	HOME=$(CURDIR)/$@ $(RELEASE_ENV) rebar3 release --all >make.log || { cat make.log; rm -rf $(CURDIR)/$@; exit 1; }

MIX_RELEASES := mix do compile + run --no-start -e 'for r <- ~w(plain runtime reboot), do: Mix.Task.rerun("release", [r, "--quiet"])'
build/test/mix: $(shell find $(KINDS)/mix -type f)
	@rm -rf $@ && mkdir -p build/test && cp -r $(KINDS)/mix $@ && cd $@ && \
	HOME=$(CURDIR)/$@ $(RELEASE_ENV) $(MIX_RELEASES) >make.log || { cat make.log; rm -rf $(CURDIR)/$@; exit 1; }

build/test/newer-%: $(KINDS)/newer.sh $(shell find $(KINDS)/relx $(KINDS)/mix -type f) $(wildcard qemu/demo/build.escript qemu/demo/eclero/*) | build/otp-%
	@rm -rf $@ && mkdir -p $@/demo && cp -r $(KINDS)/relx $(KINDS)/mix $@ && cp -r qemu/demo/build.escript qemu/demo/eclero $@/demo && \
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp $(RELEASE_ENV) unshare -m sh $(KINDS)/newer.sh $(CURDIR)/build/otp-$* $(CURDIR)/$@ >$@/make.log || { cat $@/make.log; rm -rf $@; exit 1; }
	@ln -s ../../otp-$* $@/root

$(LAB):
	@$(if $(WEB),$(TERMINAL))
	@test -e $@ || echo "building the lab"
	@cd qemu && go build -o ../$@ ./cmd/lab

# What the page has for its consoles, as pinned in package-lock.json: it becomes a part of the
# lab's program.
XTERM := qemu/web/static/xterm
TERMINAL = $(MAKE) -s --no-print-directory xterm || echo "no xterm.js from npm: the page has its consoles as plain text"
xterm: $(XTERM)/xterm.mjs
$(XTERM)/xterm.mjs: qemu/web/package-lock.json
	@command -v npm >/dev/null || $(MAKE) --no-print-directory deps PACKAGES=npm
	@echo "fetching xterm.js from npm"
	@rm -rf build/npm $(XTERM) && mkdir -p build/npm $(XTERM) && cp qemu/web/package.json $< build/npm
	@cd build/npm && npm ci --loglevel=error --fetch-retries=1 --ignore-scripts --no-audit --no-fund >/dev/null
	@cd build/npm/node_modules/@xterm/xterm && cp LICENSE css/xterm.css $(CURDIR)/$(XTERM) && sed '/^\/\/# sourceMappingURL=/d' lib/xterm.mjs > $(CURDIR)/$@

bench-cluster: deps build/test ## a cluster of five through its partitions, beside OTP alone: how soon each is noticed and healed (docs/cluster.svg)
	@$(MACHINE_TEST) -timeout 40m -run 'PartitionTable' -v ./cluster -partitions $(CURDIR)/docs/cluster.svg > build/bench-cluster.log || { cat build/bench-cluster.log; exit 1; }
	@grep -o 'partition: .*' build/bench-cluster.log

# BOOTS of three nodes with each init, in turn; an erlinit is a static build of its sources.
BOOTS := 5
bench-boot: deps build/init build/test ## from power-on to a cluster, in QEMU (INIT=PATH: an erlinit beside it; docs/small-boards.md)
	@cd qemu && go test -count=1 -timeout 1h -run TestBootBench -v ./e2e -bench.boots $(BOOTS) $(if $(INIT),-bench.erlinit '$(abspath $(INIT))') > ../build/bench-boot.log || { cat ../build/bench-boot.log; exit 1; }
	@grep -o 'boot: .*' build/bench-boot.log

# How often each; nothing else may run on the machine.
MESHES := 3
bench-mesh: deps build/init ## from the start of 3 to 50 nodes in namespaces to a mesh of all (docs/mesh.svg)
	@cd qemu && go test -count=1 -timeout 2h -run TestMeshBench -v ./e2e -mesh.nodes 3,5,10,20,30,50 -mesh.times $(MESHES) -mesh.plot $(CURDIR)/docs/mesh.svg > ../build/bench-mesh.log || { cat ../build/bench-mesh.log; exit 1; }
	@grep -o 'mesh: .*' build/bench-mesh.log

# As many nodes in namespaces, each with a real PID 1 and ERTS.
CROWD := 50
crowd: deps build/test ## CROWD nodes that come and go for ten minutes, and what they cost the monitor
	@$(MACHINE_TEST) -timeout 40m -run 'TestCrowd' -v ./cluster -crowd.nodes $(CROWD) -crowd.time 10m > build/crowd.log || { cat build/crowd.log; exit 1; }
	@grep -o 'crowd: .*' build/crowd.log

build/bench:
	@cd qemu && go build -o ../$@ ./cmd/bench

# Asks dpkg first: without anything missing it takes no time and no network.
deps:
	@missing=; for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing from Debian:$$missing"; \
	  $(SUDO) apt-get -o Acquire::Retries=3 update -qq && DEBIAN_FRONTEND=noninteractive \
	  $(SUDO) apt-get -o Acquire::Retries=3 install -y -qq --no-install-recommends $$missing >/dev/null; fi

# What the next Debian has, beside this one's: releases of OTP 27 and Elixir 1.18 are
# tested too. It is fetched once. For a newer one yet: make namespaces NEWER=forky.
newer-otp: build/otp-$(NEWER)
build/otp-%: internal/machine/testdata/newer-otp.sh
	@echo "fetching Erlang/OTP and Elixir of Debian $*"
	@mkdir -p build; sh $< $@.new $* || { echo "cannot fetch the Erlang/OTP of Debian $*, which tests of releases want" >&2; exit 1; }
	@rm -rf $@ && mv $@.new $@ && touch $@

clean: ## removes build/
	rm -rf build $(XTERM)
