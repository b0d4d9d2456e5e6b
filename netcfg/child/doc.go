// Package child is the network child of PID 1: a process of its own, as user nobody
// with CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE, that does whatever of the
// network lasts or listens. It brings links to what the plan says when they come late
// or again, asks DHCPv4 servers (RFC 2131), follows the name servers of router
// advertisements (RFC 8106), takes link-local addresses (RFC 3927), and reports all of
// it to PID 1 as netcfg.Report, which PID 1 checks before it believes it.
//
// It can be killed at any time: addresses stay in the kernel, and the next one goes on
// with the lease that PID 1 kept.
package child
