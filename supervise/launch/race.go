//go:build race

package launch

// raceDetector says that this program is built with Go's race detector (go build -race), as
// in a test: it has more memory and other system calls than the bounds of a child allow.
const raceDetector = true
