package config

import "strings"

// The keys of the tables that have no fixed place in Config.
var (
	mountKeys = [...]string{"source", "target", "type", "options"}
	peerKeys  = [...]string{"address", "aliases", "port"}
)

// KeyNames are all keys as the documentation writes them: "release.user",
// "network.IFACE.mtu", "peers.NAME", "peers.NAME.port", "mount.source".
func KeyNames() []string {
	var names []string
	for i := range keys {
		section, last, _ := strings.Cut(keys[i].name, ".")
		switch section {
		case "network":
			names = append(names, "network.IFACE."+last)
		case "peers":
			names = append(names, "peers.NAME")
			for _, k := range peerKeys {
				names = append(names, "peers.NAME."+k)
			}
		case "mount":
			for _, k := range mountKeys {
				names = append(names, "mount."+k)
			}
		default:
			names = append(names, keys[i].name)
		}
	}
	return names
}
