// Package hostsgen is the room of names: the text of /etc/hosts for every peer,
// the inetrc that makes an Erlang VM resolve from it, and Install, which writes
// such a file under /run and lets the one in /etc show it where the root is
// read-only.
package hostsgen
