package config

// Problem is one thing wrong in a source of the configuration. It never stops a
// boot: Used says what stands in its place.
type Problem struct {
	File string // "/etc/beaminit.toml", "kernel command line"
	Line int    // 1-based; 0 where lines have no meaning
	Key  string // dotted, as in beaminit.toml; empty where the text could not be read so far
	What string // what is wrong
	Want string // what would be right
	Used string // what the boot goes on with; may be empty
}

// Note names a key that is understood and checked, and has no effect yet.
type Note struct {
	Key  string
	Text string
}
