// Package netcfg is the room of the node's network: host name, links,
// addresses, default routes, and the text of resolv.conf. Make computes a Plan
// from the configuration; Apply sends the whole of it to the kernel in one
// rtnetlink(7) batch, as often as one likes; Watch tells when a link that was
// not ready has changed, so that Apply is worth calling again.
//
// The messages are written by hand: a netlink library costs a boot three times
// the instructions for the same work.
package netcfg
