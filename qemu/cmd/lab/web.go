package main

import (
	"context"
	"io"
	"net"
	"strconv"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/web"
)

// portFree tells, before anything is built or booted, that the port of the page is taken.
func (e *env) portFree() error {
	if !e.web.On || e.web.Port == 0 {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(e.web.Port)))
	if err != nil {
		return usageError("-web: " + err.Error() + "; -web alone takes a port that is free")
	}
	return l.Close()
}

// page shows a source to browsers too, where that is wanted, and tells its address.
func (e *env) page(ctx context.Context, from web.Source) error {
	if !e.web.On {
		return nil
	}
	if c, is := from.(*labpkg.Client); is {
		from = &desk{Client: c, ctx: ctx, env: env{out: io.Discard, err: io.Discard}}
	}
	address, err := web.Serve(ctx, e.web.Port, from)
	if err != nil {
		return usageError("-web: " + err.Error())
	}
	e.note = "page: " + address
	e.saying()(e.note)
	return nil
}
