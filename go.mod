module github.com/beaminit/beaminit

go 1.22

require (
	github.com/BurntSushi/toml v1.6.0
	golang.org/x/sys v0.30.0
)
