package config

// Source says which kind of place a value came from.
type Source int

// The sources, the stronger the higher.
const (
	BuiltIn Source = iota
	Derived        // from the board itself: the MAC, a board id
	EtcHostname
	TOML
	IPParam         // ip=
	SystemdHostname // systemd.hostname=
	HostnameParam   // hostname=
	Cmdline         // beaminit.*
)

// origin is where the value of one key came from.
type origin struct {
	key  string
	from Source
	line int // of the TOML file
}
