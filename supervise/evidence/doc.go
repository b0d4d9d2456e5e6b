// Package evidence is the room of what a release leaves behind when it ends: the last
// of its output, its crash dump, and the kernel's word on whether its memory was the
// reason. It finds, keeps and bounds; what follows from it others decide.
package evidence
