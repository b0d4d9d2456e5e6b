package hostsgen

// Inetrc writes the configuration file of ERTS's own resolver ("Inet
// Configuration" in the ERTS User's Guide; named to the VM by ERL_INETRC or
// -kernel inetrc). hosts is the path of a hosts(5) file, resolv that of a
// resolv.conf(5); ERTS looks at both again every 5 s. A resolv.conf that is not
// there, or names no server, makes a name that is not in hosts fail at once. The
// VM does not start inet_gethost for a look-up.
//
// Before it reads this file, a VM looks up a host name that has no dot through
// inet_gethost: only a full host name spares a release that program altogether.
func Inetrc(hosts, resolv string) []byte {
	b := append(make([]byte, 0, 192), "%% written by beaminit\n{lookup,[file,dns]}.\n"...)
	b = term(b, "hosts_file", hosts)
	return term(b, "resolv_conf", resolv)
}

// term appends {key,"value"}. with value as an Erlang string.
func term(b []byte, key, value string) []byte {
	b = append(append(b, '{'), key...)
	b = append(b, `,"`...)
	for i := 0; i < len(value); i++ {
		if c := value[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, value[i])
	}
	return append(b, "\"}.\n"...)
}
