// Package netcfg is the room of the node's network: host name, links, addresses,
// routes. Make computes a Plan from the configuration; Apply does what it says
// through rtnetlink(7), as often as one likes; Watch tells when a link has
// changed, so that Apply is worth calling again.
package netcfg
