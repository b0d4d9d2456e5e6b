package node

import "github.com/beaminit/beaminit/release"

// Terminfo is an entry of terminfo(5) in base64, as ncurses takes it from TERMINFO since
// its version 6.1: cursor movement as all terminals of today have it, from
// testdata/beaminit.ti. An appliance has no terminfo, and without one the shell of OTP 26
// and later has no line editing.
const Terminfo = "GgEUAA8AAwCHAIsAYmVhbWluaXR8YSB0ZXJtaW5hbAAAAQAAAQAAAAEAAAAAAQEAUAAIABgA//8AAAIA/////wQACwAPAP////8TACQAJgD//y" +
	"oA/////ywA//8wAP//NAD/////////////OAD///////////////89AP//QgD/////RwD//////////0sA////////////////////////////" +
	"//////////////////////////////////////////////////////////////////////////////////////////////////////////////" +
	"//////////////////////UQD//1oAYwD/////bAB1AP//fgD/////////////////////////////////////hwD//////////4kABwANABtb" +
	"SBtbSgAbW0sAG1tKABtbJWklcDElZDslcDIlZEgACgAbW0gACAAbW0MAG1tBABtbUAAbWzFtABtbN20AG1s0bQAbW20AG1syNG0AG1slcDElZF" +
	"AAG1slcDElZEIAG1slcDElZEAAG1slcDElZEQAG1slcDElZEMAG1slcDElZEEACgAJAA=="

// The terminal of that entry, as TERM and TERMINFO name it.
const (
	ownTerminal    = "beaminit"
	OwnDescription = "b64:" + Terminfo
)

// descriptions is where the entries of terminals lie (terminfo(5), "Fetching Compiled
// Descriptions").
var descriptions = [...]string{"/etc/terminfo/", "/lib/terminfo/", "/usr/share/terminfo/", "/usr/lib/terminfo/"}

func described(root release.Root, term string) bool {
	if term == "" || term[0] == '.' || term[0] == '/' {
		return false
	}
	for _, dir := range descriptions {
		if _, err := root.Mode(dir + term[:1] + "/" + term); err == nil {
			return true
		}
	}
	return false
}

// TerminalEnv gives the variables by which a VM knows the terminal that TERM names.
func TerminalEnv(root release.Root, term string) []string {
	if term == "dumb" || described(root, term) {
		return []string{"TERM=" + term}
	}
	return []string{"TERM=" + ownTerminal, "TERMINFO=" + OwnDescription}
}
