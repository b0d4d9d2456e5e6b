package main

import (
	"context"
	"io"

	labpkg "github.com/beaminit/beaminit/qemu/lab"
	"github.com/beaminit/beaminit/qemu/web"
)

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
