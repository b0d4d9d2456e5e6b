// Package demo holds the sources of the release that the lab boots when it is
// given none: eclero, an OTP application that watches its peers.
package demo

import "embed"

// Files has build.escript and the directory eclero.
//
//go:embed build.escript eclero
var Files embed.FS
