package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/beaminit/beaminit/qemu/web"
)

// webFlag is -web: a page at a port that is free, or with a value at that one.
type webFlag struct {
	on   bool
	port int
}

func (f *webFlag) IsBoolFlag() bool { return true }

func (f *webFlag) String() string { return "" }

func (f *webFlag) Set(text string) error {
	if on, err := strconv.ParseBool(text); err == nil {
		*f = webFlag{on: on}
		return nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fmt.Errorf("want -web, or -web=PORT, such as -web=8090")
	}
	*f = webFlag{on: true, port: int(port)}
	return nil
}

// page shows a source to browsers too, where that is wanted, and tells its address.
func (e *env) page(ctx context.Context, from web.Source) error {
	if !e.web.on {
		return nil
	}
	address, err := web.Serve(ctx, e.web.port, from)
	if err != nil {
		return usageError("-web: " + err.Error())
	}
	e.note = "page: " + address
	e.saying()(e.note)
	return nil
}
