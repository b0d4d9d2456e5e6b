// Package demo holds the sources of the releases that the lab boots: eclero, an OTP
// application that watches its peers, where it is given none, and the others by
// -release demo:NAME.
package demo

import (
	"embed"
	"io/fs"
)

// Files has build.escript and a directory for each release, named as the release is: one
// with a mix.exs is for mix release, another one for build.escript.
//
//go:embed build.escript eclero failover finder
var Files embed.FS

// Names are the releases that there are.
func Names() (list []string) {
	entries, _ := fs.ReadDir(Files, ".")
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list
}
