// Package console gives the release an interactive shell on a tty of the node, such as
// a second serial port. The release never has that tty itself: it has a pty, and a child
// of PID 1, the relay, carries the bytes between the two. A tty that nobody reads, that
// holds its flow, hangs up or is not there costs the release nothing but that output.
package console
