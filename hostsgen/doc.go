// Package hostsgen is the room of names: the text of /etc/hosts for every peer,
// of resolv.conf, the inetrc that makes an Erlang VM resolve from both, and
// Install, which writes such a file under /run and lets the one in /etc show it
// where the root is read-only.
package hostsgen
