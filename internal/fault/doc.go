// Package fault lets a test make PID 1 panic where it wants. A program built
// without the tag "fault" has nothing of it: At is empty, and is compiled away.
package fault
