# make run, make test: the README says what they do. Everything that is built
# lies under build/.

NODES   ?= 3
GOFLAGS ?=
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@2025.1.1

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The last flag: the compatibility switches that go.mod's language version stands
# for cost a tenth of the boot to read, and none of them concerns PID 1.
LDFLAGS := -s -w -X main.version=$(VERSION) -X runtime.godebugDefault=

.PHONY: run test bench init deps vet unit lab-test clean fuzz

run: deps init
	@cd qemu && go build -o ../build/lab-tool ./cmd/lab
	@build/lab-tool run -nodes $(NODES) $(if $(RELEASE),-release $(abspath $(RELEASE))) $(if $(KERNEL),-kernel $(KERNEL))

test: deps vet unit lab-test

init: build/init

# Always asked of go, which knows better than make what is up to date.
.PHONY: build/init
build/init:
	@mkdir -p build
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/init ./cmd/init

