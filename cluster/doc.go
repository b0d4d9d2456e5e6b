// Package cluster is the room of a node's peers: who they are, which of them are
// connected, which can be reached, and what is done about those that are not. Most of it
// is the monitor, a child of PID 1 without privilege: it alone reads what other machines
// send, and tells PID 1 in short messages what it found. It asks the release of its own
// node, too, whether it still answers.
package cluster
